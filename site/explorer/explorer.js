// Draws points that were simulated beforehand. The whole state is in the address, so that every
// view has a link; what is not among the points is named and never interpolated.
"use strict";

(function () {
  const { runs, views } = EXPLORER;
  const SPREAD = `5–95 % of ${runs} runs`;
  const DASHES = [[], [10, 5], [10, 4, 2, 4], [2, 4]];
  const place = Object.fromEntries(
    ["handles", "wrong", "status", "found", "plot", "legend", "line", "copy", "copied", "csv", "every", "numbers"]
      .map((name) => [name, document.getElementById(`explorer-${name}`)]),
  );
  let plot = null;

  // Every handle of a view, the first of which says which view it is.
  function handlesOf(view) {
    const questions = views.map((one) => ({ value: one.name, label: one.title }));
    const shows = view.shows.map((one) => ({ value: one.name, label: one.label }));
    return [
      { name: "view", label: "Question", choices: questions },
      { name: "show", label: "What is shown", choices: shows },
      view.lines,
      ...view.handles,
      view.across,
    ];
  }

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const view = views.find((one) => one.name === given.get("view")) ?? views[0];
    const now = {};
    const wrong = [];
    const handles = handlesOf(view);
    for (const { name, label, choices } of handles) {
      const start = { ...view.start, view: view.name };
      const known = choices.some((choice) => choice.value === given.get(name));
      now[name] = known ? given.get(name) : start[name];
      if (given.has(name) && !known) {
        const simulated = choices.map((choice) => choice.label).join("; ");
        wrong.push(`“${given.get(name)}” was not simulated. ${label}: ${simulated}.`);
      }
    }
    for (const name of given.keys()) {
      if (!handles.some((handle) => handle.name === name)) wrong.push(`There is no handle “${name}”.`);
    }
    return { view, now, wrong };
  }

  // The point at the present setting, but for another line or another place on the axis.
  function pointAt({ view, now }, changed = {}) {
    const at = { ...now, ...changed };
    const path = [view.lines.name, ...view.handles.map((one) => one.name), view.across.name];
    const key = path.map((name) => at[name]).join("|");
    return view.points.get(key);
  }

  function drawn({ view, now }) {
    const all = [...(view.lines.more ?? []), ...view.lines.choices];
    return all.filter(({ value }) => view.lines.always.includes(value) || value === now[view.lines.name]);
  }

  function labelOf(handle, value) {
    return handle.choices.find((choice) => choice.value === value).label;
  }

  function told(show, point, k) {
    if (point.open?.[show.name][k]) return show.open;
    return point[show.name][k].toLocaleString("en", { ...show.digits, signDisplay: "negative" });
  }

  function sentence(state) {
    const { view, now } = state;
    const point = pointAt(state);
    const handles = [view.lines, ...view.handles, view.across];
    const where = handles.map((one) => `${one.label}: ${labelOf(one, now[one.name])}`).join("; ");
    const what = view.shows.map((show) => {
      const [low, middle, high] = [0, 1, 2].map((k) => told(show, point, k));
      return `${show.label}: ${middle} (${SPREAD}: ${low} to ${high}).`;
    });
    return `${what.join(" ")} With: ${where}.`;
  }

  function command({ view, now }, point) {
    const handles = [view.lines, ...view.handles, view.across];
    const parts = Object.fromEntries(
      handles.map((one) => [one.name, one.choices.find((choice) => choice.value === now[one.name]).set]),
    );
    const filled = view.line.replace(/\{(\w+)\}/g, (_, name) => parts[name] ?? point.sets ?? "");
    return filled.replace(/ +/g, " ");
  }

  function level(u, value, words) {
    const y = u.valToPos(value, "y", true);
    const { left, top, width, height } = u.bbox;
    if (y < top || y > top + height) return;
    u.ctx.save();
    u.ctx.strokeStyle = "#333";
    u.ctx.fillStyle = "#333";
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
    u.ctx.textAlign = "left";
    u.ctx.font = `${12 * devicePixelRatio}px sans-serif`;
    u.ctx.fillText(words, left + 6, y - 5);
    u.ctx.restore();
  }

  function draw(state) {
    const { view, now } = state;
    const show = view.shows.find((one) => one.name === now.show);
    const across = view.across.choices;
    const columns = [across.map((one) => one.place)];
    const series = [{}];
    const bands = [];
    for (const [k, line] of drawn(state).entries()) {
      const points = across.map((one) => pointAt(state, { [view.lines.name]: line.value, [view.across.name]: one.value }));
      const column = (which) => points.map((point) => point[show.name][which]);
      // Where most runs are given up there is no median, only a bound: the line stops.
      const median = points.map((point) => (point.open?.[show.name][1] ? null : point[show.name][1]));
      const first = series.length;
      const chosen = line.value === now[view.lines.name];
      series.push({ stroke: line.colour, width: chosen ? 4 : 2, dash: DASHES[k % DASHES.length], points: { show: true, size: chosen ? 9 : 6, fill: line.colour } });
      series.push({ stroke: line.colour, width: 0, points: { show: false } });
      series.push({ stroke: line.colour, width: 0, points: { show: false } });
      columns.push(median, column(2), column(0));
      bands.push({ series: [first + 1, first + 2], fill: `${line.colour}${chosen ? "44" : "22"}` });
    }
    const [least, most] = [Math.min(...columns[0]), Math.max(...columns[0])];
    const edge = (most - least) / 12;
    const names = (u, places) => places.map((at) => across.find((one) => one.place === at)?.label ?? "");
    const options = {
      width: place.plot.clientWidth,
      height: 400,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: [least - edge, most + edge] },
        y: show.log ? { distr: 3 } : {},
      },
      axes: [
        { label: view.across.label, splits: () => columns[0], values: names },
        { label: show.unit, size: 60, values: (u, at) => at.map((one) => (one === null ? "" : one.toLocaleString("en"))) },
      ],
      series,
      bands,
      hooks: { draw: [(u) => show.level && level(u, show.level[0], show.level[1])] },
    };
    plot?.destroy();
    plot = new uPlot(options, columns, place.plot);
  }

  function legend(state) {
    const items = drawn(state).map((line, k) => {
      const dash = DASHES[k % DASHES.length].join(" ");
      const thick = line.value === state.now[state.view.lines.name] ? 4 : 2;
      return `<li style="color:${line.ink}"><svg width="44" height="10" aria-hidden="true"><line x1="0" y1="5" x2="44" y2="5" stroke="${line.colour}" stroke-width="${thick}" stroke-dasharray="${dash}"/></svg> ${line.label}</li>`;
    });
    place.legend.innerHTML = items.join("");
  }

  function table(state) {
    const { view, now } = state;
    const show = view.shows.find((one) => one.name === now.show);
    const heads = [view.lines.label, view.across.label, "5 % point", "median", "95 % point"];
    const rows = drawn(state).flatMap((line) => view.across.choices.map((one) => {
      const point = pointAt(state, { [view.lines.name]: line.value, [view.across.name]: one.value });
      const cells = [one.label, ...[0, 1, 2].map((k) => told(show, point, k))];
      return `<tr><th scope="row" style="color:${line.ink}">${line.label}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
    }));
    const head = heads.map((text) => `<th scope="col">${text}</th>`).join("");
    place.numbers.innerHTML = `<table><caption>${show.label} (${show.unit})</caption><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
  }

  // Points as CSV: where they are, each quantity, and whether it is only a bound.
  function csv(view, points) {
    const heads = [view.lines.name, ...view.handles.map((one) => one.name), view.across.name];
    for (const { name } of view.shows) heads.push(`${name}_p5`, `${name}_median`, `${name}_p95`, `${name}_bounds`);
    const lines = points.map((point) => [
      ...point.at,
      ...view.shows.flatMap(({ name }) => {
        const bounds = ["p5", "median", "p95"].filter((_, k) => point.open?.[name][k]);
        return [...point[name], bounds.join(" ")];
      }),
    ].join(","));
    return `data:text/csv;charset=utf-8,${encodeURIComponent([heads.join(","), ...lines, ""].join("\n"))}`;
  }

  function shown(state) {
    const { view } = state;
    return drawn(state).flatMap((line) => view.across.choices.map((one) => (
      pointAt(state, { [view.lines.name]: line.value, [view.across.name]: one.value })
    )));
  }

  function build(view, now) {
    const focused = document.activeElement?.name;
    place.handles.replaceChildren();
    for (const handle of handlesOf(view)) {
      const label = document.createElement("label");
      label.textContent = handle.label;
      const select = document.createElement("select");
      select.name = handle.name;
      for (const choice of handle.choices) select.add(new Option(choice.label, choice.value));
      select.value = now[handle.name];
      label.append(select);
      place.handles.append(label);
    }
    // Whoever moves a handle by keyboard stays on it.
    if (focused) place.handles.elements[focused]?.focus();
  }

  function show() {
    const state = read();
    const { view, now, wrong } = state;
    build(view, now);
    place.wrong.textContent = wrong.length ? `${wrong.join(" ")} Nothing is interpolated: shown is what is set above; for anything else change the command below.` : "";
    place.status.textContent = view.status;
    place.found.textContent = sentence(state);
    place.line.textContent = command(state, pointAt(state));
    place.copied.textContent = "";
    place.csv.href = csv(view, shown(state));
    place.every.href = csv(view, [...view.points.values()]);
    draw(state);
    legend(state);
    table(state);
  }

  for (const view of views) {
    view.points = new Map(view.rows.map((row) => [row.at.join("|"), row]));
  }
  place.handles.addEventListener("submit", (event) => event.preventDefault());
  place.handles.addEventListener("change", (event) => {
    // Another question has other handles: only what it knows goes on.
    const names = event.target.name === "view" ? ["view"] : handlesOf(read().view).map((one) => one.name);
    const values = names.map((name) => [name, place.handles.elements[name].value]);
    location.hash = new URLSearchParams(values).toString();
  });
  place.copy.addEventListener("click", async () => {
    const text = place.line.textContent;
    try {
      await navigator.clipboard.writeText(text);
      place.copied.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(place.line);
      place.copied.textContent = "Selected; copy it with Ctrl+C.";
    }
  });
  addEventListener("hashchange", show);
  addEventListener("resize", () => draw(read()));
  show();
})();
