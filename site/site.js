// The theme's search is a dialogue without a name, which a screen reader would not announce.
"use strict";

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
