// Adds the reader's own time to each time of a page, which is in UTC.
for (const each of document.querySelectorAll("time[datetime]")) {
  each.title = new Date(each.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
