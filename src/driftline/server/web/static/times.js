// Adds the reader's own time to each time of a page, which is in UTC; also to what htmx puts into it later.
const tell = () => {
  for (const each of document.querySelectorAll("time[datetime]:not([title])")) {
    each.title = new Date(each.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
};
tell();
document.addEventListener("htmx:after:swap", tell);
// The foot says it beside, for who has nothing to point with.
const foot = document.querySelector("footer time");
if (foot && new Date(foot.dateTime).getTimezoneOffset()) foot.after(` (${foot.title} here)`);
