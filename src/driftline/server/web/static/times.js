// Adds the reader's own time to each time of a page, which is in UTC; also to what htmx puts into it later.
const tell = () => {
  for (const each of document.querySelectorAll("time[datetime]:not([title])")) {
    each.title = new Date(each.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
};
tell();
document.addEventListener("htmx:after:swap", tell);
