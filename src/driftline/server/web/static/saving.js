// Saves drawings as SVG and PNG, copies the link that always shows the same, and prints. Without it CSV and JSON remain.
(() => {
  const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-family", "font-size"];

  // A copy of the drawing that looks the same without our styles, on the ground that it stands on.
  const alone = (svg) => {
    const copy = svg.cloneNode(true);
    const [from, to] = [svg, copy].map((each) => [...each.querySelectorAll("*")]);
    from.forEach((each, place) => {
      const seen = getComputedStyle(each);
      for (const name of LOOKS) to[place].setAttribute(name, seen.getPropertyValue(name));
    });
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const card = svg.closest(".card, .panel") ?? document.body;
    for (const [name, value] of [["width", width], ["height", height], ["fill", getComputedStyle(card).backgroundColor]]) ground.setAttribute(name, value);
    copy.prepend(ground);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return { width, height, uri: "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy)) };
  };

  const give = (uri, name) => Object.assign(document.createElement("a"), { href: uri, download: name }).click();

  const asSvg = (svg, name) => give(alone(svg).uri, name + ".svg");

  const asPng = async (svg, name) => {
    const { width, height, uri } = alone(svg);
    const image = new Image();
    image.src = uri;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: width * 3, height: height * 3 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    give(canvas.toDataURL("image/png"), name + ".png");
  };

  const copied = async (link) => {
    try {
      await navigator.clipboard.writeText(link);
    } catch {  // only pages that came by TLS, or from this machine, may write there
      const box = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: link }));
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  };

  const button = (text, told, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    if (told) made.setAttribute("aria-label", `${text} of ${told}`);
    made.addEventListener("click", () => act(made));
    return made;
  };

  const offer = () => {
    for (const row of document.querySelectorAll(".saves:not(.ready)")) {
      row.classList.add("ready");
      const svg = row.closest(".card, .panel")?.querySelector("svg.plot, svg.overlay");
      if (!svg) continue;
      const name = row.dataset.name;
      const file = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "chart";
      row.append(button("SVG", name, () => asSvg(svg, file)), button("PNG", name, () => asPng(svg, file)));
    }
  };

  const acts = document.querySelector(".title");
  const fixed = document.querySelector("[data-link]");
  if (acts && fixed) {
    const share = button("Copy link", "", async (made) => {
      await copied(new URL(fixed.dataset.link, location.href).href);
      made.textContent = "Link copied";
    });
    const print = button("Print", "", () => window.print());
    for (const each of [share, print]) {
      each.className = "act";
      acts.append(each);
    }
  }
  offer();
  document.addEventListener("htmx:after:swap", offer);
})();
