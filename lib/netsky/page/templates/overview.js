(function () {
  "use strict";
  var page = document.documentElement, body = document.body, data = body.dataset;
  var epoch = Number(data.epoch), most = Number(data.maxAge), units = data.units.split(",");
  var age = document.getElementById("age"), banner = document.getElementById("stale");
  var title = document.title;
  function words(seconds) {
    if (seconds < 60) { return seconds + " " + units[0]; }
    if (seconds < 3600) { return Math.floor(seconds / 60) + " " + units[1]; }
    if (seconds < 86400) {
      return Math.floor(seconds / 3600) + " " + units[2] + " " + (Math.floor(seconds / 60) % 60) + " " + units[1];
    }
    return Math.floor(seconds / 86400) + " " + units[3] + " " + (Math.floor(seconds / 3600) % 24) + " " + units[2];
  }
  function say(text, seconds) { return text.replace("{age}", words(seconds)); }
  function look() {
    var passed = Math.floor(Date.now() / 1000) - epoch;
    var isBehind = passed < -60, isStale = passed > most;
    age.textContent = isBehind ? "?" : say(data.age, Math.max(0, passed));
    banner.hidden = !isBehind && !isStale;
    banner.textContent = isBehind ? "■ " + say(data.behind, -passed) : "■ " + say(data.stale, passed);
    page.classList.toggle("is-stale", isStale);
    document.title = isStale ? "■ " + say(data.staleTitle, passed) + " · " + title : title;
  }
  // Not while somebody reads what is folded, or has marked a text to copy it.
  function reload() {
    var isRead = document.querySelector("details[open]") || String(window.getSelection());
    if (!isRead) { window.location.reload(); }
  }
  look();
  window.setInterval(look, 1000);
  if (!("still" in data)) { window.setInterval(reload, 30000); }
})();
