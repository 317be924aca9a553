"use strict";
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const search = document.getElementById("search");
  const only = document.getElementById("only");
  const more = document.getElementById("more");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const texts = rows.map((row) => {
    const name = row.cells[0].querySelector("bdi");
    return (name.title + " " + row.textContent).toLowerCase();
  });

  function filter() {
    const asked = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits = asked.every((word) => texts[i].includes(word)) && !(only && only.checked && row.className !== "broken");
      row.hidden = !fits;
      shown += fits;
    });
    const all = rows.length.toLocaleString("en");
    count.value = (shown === rows.length ? "" : shown.toLocaleString("en") + " of ") + all + " " + count.dataset.noun;
    none.hidden = shown > 0;
  }

  function key(row, place) {
    const cell = row.cells[place];
    return "k" in cell.dataset ? cell.dataset.k : cell.textContent.trim().toLowerCase();
  }

  function sort(heading) {
    const place = heading.cellIndex;
    const numeric = "k" in (rows[0] ? rows[0].cells[place].dataset : {});
    const was = heading.getAttribute("aria-sort");
    const down = was === "none" ? numeric : was === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((each) => each.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map((row, i) => [key(row, place), i]);
    const compare = numeric ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
    keyed.sort(([a, i], [b, j]) => {
      if (a === "" || b === "") return (a === "") - (b === "") || i - j;
      return (down ? -1 : 1) * compare(a, b) || i - j;
    });
    body.append(...keyed.map(([, i]) => rows[i]));
  }

  search.addEventListener("input", filter);
  if (only) only.addEventListener("change", filter);
  if (more) more.addEventListener("change", () => table.classList.toggle("wide", more.checked));
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) sort(button.closest("th"));
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });

  const theme = document.getElementById("theme");
  const themes = ["system", "light", "dark"];
  let chosen = "system";
  try {
    chosen = localStorage.getItem("driftline-theme") || chosen;
  } catch {
    // a page without storage starts with the system's theme
  }
  function dress() {
    document.documentElement.dataset.theme = chosen;
    theme.textContent = "Theme: " + chosen;
  }
  theme.addEventListener("click", () => {
    chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
    dress();
    try {
      localStorage.setItem("driftline-theme", chosen);
    } catch {
      // nothing is lost but the memory of it
    }
  });
  theme.hidden = false;
  dress();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((each) => (each.open = false)));
})();
