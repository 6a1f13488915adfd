(function () {
  "use strict";
  var root = document.documentElement, key = "whychurn-theme";
  function stored() { try { return localStorage.getItem(key); } catch (e) { return null; } }
  function store(value) { try { localStorage.setItem(key, value); } catch (e) { /* private window */ } }
  function dark() {
    return (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  }
  if (stored()) root.dataset.theme = stored();
  root.classList.add("js");

  document.addEventListener("DOMContentLoaded", function () {
    var theme = document.getElementById("theme"), code = document.getElementById("show-code");
    var folded = document.querySelectorAll("details.code"), contents = document.getElementById("contents");
    var wide = matchMedia("(min-width: 76rem)");

    function label() { theme.textContent = dark() ? "Light theme" : "Dark theme"; }
    theme.hidden = false;
    theme.addEventListener("click", function () {
      root.dataset.theme = dark() ? "light" : "dark";
      store(root.dataset.theme);
      label();
    });
    label();

    if (code && folded.length) {
      code.hidden = false;
      code.addEventListener("click", function () {
        var open = code.getAttribute("aria-pressed") !== "true";
        folded.forEach(function (item) { item.open = open; });
        code.setAttribute("aria-pressed", String(open));
        code.textContent = open ? "Hide code" : "Show code";
      });
    }

    function arrange() { contents.open = wide.matches; }
    wide.addEventListener("change", arrange);
    arrange();

    function regions() {
      document.querySelectorAll(".scroll").forEach(function (region) {
        if (region.scrollWidth > region.clientWidth + 1) region.setAttribute("tabindex", "0");
        else region.removeAttribute("tabindex");
      });
    }
    addEventListener("resize", regions);
    regions();

    if ("IntersectionObserver" in window) {
      var links = {};
      contents.querySelectorAll('a[href^="#"]').forEach(function (a) { links[a.getAttribute("href").slice(1)] = a; });
      var watcher = new IntersectionObserver(function (entries) {
        entries.forEach(function (entry) {
          if (!entry.isIntersecting) return;
          Object.keys(links).forEach(function (id) { links[id].classList.toggle("here", id === entry.target.id); });
        });
      }, { rootMargin: "0px 0px -70% 0px" });
      Object.keys(links).forEach(function (id) {
        var heading = document.getElementById(id);
        if (heading) watcher.observe(heading);
      });
    }
    addEventListener("beforeprint", function () {
      document.querySelectorAll("main details:not(.code)").forEach(function (item) { item.open = true; });
    });
  });
})();
