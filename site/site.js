// The theme's search is a dialogue without a name, which a screen reader would not announce.
"use strict";

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

// A table that is wider than the page scrolls; whoever has no mouse must be able to reach it.
addEventListener("load", () => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
  }
});
