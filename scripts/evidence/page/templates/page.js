// The page's behaviour: language, copying, the list of all tests, charts that tell of a moment, printing.
"use strict";
(() => {
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, className = "", text = "") => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== "") element.textContent = text;
  return element;
};
const data = JSON.parse($("#data").textContent);
const tests = data.tests;
for (const [name, column] of Object.entries(tests)) { // runs of equal values are written as value, count, ...
  if (!column.runs) continue;
  tests[name] = [];
  for (let i = 0; i < column.runs.length; i += 2) for (let n = column.runs[i + 1]; n > 0; n--) tests[name].push(column.runs[i]);
}
const count = tests.name.length;
const last = {}; // of each shard: when its test before began
tests.at = tests.after.map((after, row) => after === null ? -1 : (last[tests.shard[row]] = (last[tests.shard[row]] || 0) + after));
const red = new Set(["error", "failed", "unfinished", "not-run"]);
document.documentElement.classList.remove("no-js");

// Language ------------------------------------------------------------------------------------------------
let language = "en";
const say = (key, values = {}) =>
  (data.words[key] || [key, key])[language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const outcomeWord = (name) => (data.words["outcome_" + name] ? say("outcome_" + name) : name);
const remembered = () => { try { return localStorage.getItem("language"); } catch { return null; } };

function speak(chosen) {
  language = chosen === "zh" ? "zh" : "en";
  document.documentElement.lang = language;
  for (const button of $$("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  for (const element of $$("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of $$("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  fillFilters();
  draw();
}

function seconds(ms) {
  const zh = language === "zh";
  if (ms < 1) return zh ? "0 毫秒" : "0 ms";
  if (ms < 950) return Math.round(ms) + (zh ? " 毫秒" : " ms");
  if (ms < 59950) return (ms / 1000).toFixed(1) + (zh ? " 秒" : " s");
  const whole = Math.round(ms / 1000), minutes = Math.floor(whole / 60), rest = String(whole % 60).padStart(2, "0");
  if (minutes < 60) return minutes + (zh ? " 分 " : " min ") + rest + (zh ? " 秒" : " s");
  return Math.floor(minutes / 60) + (zh ? " 小时 " : " h ") + String(minutes % 60).padStart(2, "0") + (zh ? " 分" : " min");
}
const bytes = (value) => value >= 1e9 ? (value / 1e9).toFixed(1) + " GB" : (value / 1e6).toFixed(1) + " MB";

// Copying -------------------------------------------------------------------------------------------------
async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a page from a folder may not be trusted with the clipboard
    const area = make("textarea", "unseen", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = [...button.childNodes];
  button.textContent = say("copied");
  setTimeout(() => button.replaceChildren(...before), 1400);
}

// The tests -----------------------------------------------------------------------------------------------
const scopeOf = (row) => tests.scopes[tests.scope[row]];
const nameOf = (row) => tests.names[tests.name[row]] + tests.parameters[row];
const idOf = (row) => (scopeOf(row) ? scopeOf(row) + "::" : "") + nameOf(row);
const outcomeOf = (row) => tests.outcomes[tests.outcome[row]];
const changes = ["new", "broke", "fixed", "flaky"];
const changeOf = (row) => row in tests.change ? changes[tests.change[row]] : "";
const fileOf = tests.scopes.map((scope) => scope.split("::")[0]);
let haystack = null; // one text a test, in lower case
function prepare() { // before anybody searches, when there is time
  haystack = haystack || Array.from({ length: count }, (_, row) => (idOf(row) + " " + (tests.message[row] || "")).toLowerCase());
}
const rank = tests.outcomes.map((name) => ["error", "failed", "unfinished", "not-run", "running"].indexOf(name));
const state = { search: "", outcome: "", shard: "", file: "", change: "", duration: "", sort: "", down: false };
let found = [];
let chosen = -1;

const fields = {
  outcome: (row, value) => value === "red" ? red.has(outcomeOf(row)) : outcomeOf(row) === value,
  shard: (row, value) => String(tests.shard[row]) === value,
  file: (row, value) => (fileOf[tests.scope[row]] || nameOf(row)) === value,
  change: (row, value) => changeOf(row) === value,
  duration: (row, value) => tests.ms[row] >= Number(value),
};

function search() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) prepare();
  const used = Object.keys(fields).filter((name) => state[name]);
  found = [];
  for (let row = 0; row < count; row++) {
    if (words.every((word) => haystack[row].includes(word)) && used.every((name) => fields[name](row, state[name]))) found.push(row);
  }
  order();
}

function order() {
  const way = state.down ? -1 : 1;
  const worst = (row) => rank[tests.outcome[row]] < 0 ? 99 : rank[tests.outcome[row]];
  const compare = {
    "": (a, b) => worst(a) - worst(b) || a - b,
    outcome: (a, b) => way * (tests.outcome[a] - tests.outcome[b]) || a - b,
    name: (a, b) => way * (a - b),
    shard: (a, b) => way * (tests.shard[a] - tests.shard[b]) || a - b,
    ms: (a, b) => way * (tests.ms[a] - tests.ms[b]) || a - b,
  }[state.sort];
  found.sort(compare);
  for (const button of $$("[data-sort]")) {
    button.parentElement.setAttribute("aria-sort", button.dataset.sort !== state.sort ? "none" : state.down ? "descending" : "ascending");
  }
}

const list = $("#list"), box = $(".window"), space = $(".space"), head = $(".header");
const narrow = matchMedia("(max-width: 720px)");
const height = () => narrow.matches ? 56 : 34;
let drawn = "";

function line(place) {
  const row = found[place], element = make("div", "line");
  element.id = "row-" + place;
  element.setAttribute("role", "row");
  element.setAttribute("aria-rowindex", place + 2);
  element.setAttribute("aria-selected", String(place === chosen));
  element.style.top = place * height() + "px";
  element.dataset.place = place;
  const outcome = make("span", "outcome-" + outcomeOf(row));
  outcome.append(make("i"), outcomeWord(outcomeOf(row)));
  const test = make("span", "test");
  if (changeOf(row)) test.append(make("span", "badge " + changeOf(row), say(changeOf(row))));
  if (scopeOf(row)) test.append(make("span", "scope", scopeOf(row) + "::"));
  test.append(nameOf(row));
  test.title = idOf(row);
  const shard = make("span", "number", tests.shard[row] < 0 ? "–" : tests.shards[tests.shard[row]]);
  element.append(outcome, test, shard, make("span", "number", seconds(tests.ms[row])));
  for (const cell of element.children) cell.setAttribute("role", "gridcell");
  return element;
}

function draw(anew = true) {
  const first = Math.max(0, Math.floor(list.scrollTop / height()) - 8);
  const last = Math.min(found.length, first + Math.ceil(list.clientHeight / height()) + 16);
  const key = [first, last, chosen].join();
  if (!anew && key === drawn) return;
  drawn = key;
  space.style.height = found.length * height() + "px";
  const lines = [];
  for (let place = first; place < last; place++) lines.push(line(place));
  if (!found.length) {
    const none = make("div", "none muted"), cell = make("span", "", say("none_found"));
    none.setAttribute("role", "row");
    cell.setAttribute("role", "gridcell");
    none.append(cell);
    lines.push(none);
  }
  box.replaceChildren(space, ...lines);
  list.setAttribute("aria-rowcount", found.length + 1);
  if (chosen >= first && chosen < last) list.setAttribute("aria-activedescendant", "row-" + chosen);
  else list.removeAttribute("aria-activedescendant");
  $("#shown").textContent = say("shown", { count: found.length, all: count });
  $("#reset").hidden = !Object.values(state).some(Boolean);
  $("#reset").textContent = say("reset");
}

function update(values) {
  Object.assign(state, values);
  chosen = -1;
  search();
  list.scrollTop = 0;
  draw();
  for (const name of Object.keys(fields)) $("#by-" + name).value = state[name];
  if ($("#search").value !== state.search) $("#search").value = state.search;
  clearTimeout(remembering);
  remembering = setTimeout(remember, 300);
}

let remembering = 0;
function remember() { // so that a page that loads anew, and a link, show the same
  const kept = new URLSearchParams(Object.entries(state).filter(([, value]) => value).map(([key, value]) => [key, String(value)]));
  try { history.replaceState(null, "", kept.toString() ? "#?" + kept : location.hash.startsWith("#?") ? "#tests" : location.hash || "#"); } catch { /* in a frame */ }
}

function fillFilters() {
  const options = {
    outcome: [["red", say("red_only")], ...tests.outcomes.map((name) => [name, outcomeWord(name)])],
    shard: tests.shards.map((name, place) => [String(place), say(name.startsWith("r") ? "in_repair" : "in_shard", { index: name.replace("r", "") })]),
    file: [...new Set(fileOf)].filter(Boolean).sort().map((name) => [name, name]),
    change: changes.filter((name) => Object.values(tests.change).includes(changes.indexOf(name))).map((name) => [name, say(name)]),
    duration: [100, 1000, 10000, 60000].map((ms) => [String(ms), say("longer_than", { time: seconds(ms) })]),
  };
  for (const [name, choices] of Object.entries(options)) {
    const select = $("#by-" + name);
    select.replaceChildren(...[["", say("any_" + name)], ...choices].map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    }));
    select.value = state[name];
    select.parentElement.hidden = choices.length < (name === "change" ? 1 : 2);
  }
}

function choose(place) {
  if (!found.length) return;
  chosen = Math.max(0, Math.min(found.length - 1, place));
  const top = chosen * height(), room = list.clientHeight - head.offsetHeight - height();
  list.scrollTop = Math.min(top, Math.max(top - room, list.scrollTop));
  draw();
}

function open(place) {
  const row = found[place];
  if (row === undefined) return;
  choose(place);
  $("#dialog-title").textContent = idOf(row);
  const facts = [
    ["outcome", outcomeWord(outcomeOf(row)) + (changeOf(row) ? ` (${say(changeOf(row))})` : "")],
    ["duration", seconds(tests.ms[row])],
    ["shard", tests.shard[row] < 0 ? "–" : tests.shards[tests.shard[row]]],
    ["started", tests.at[row] < 0 ? "" : say("into_run", { time: seconds(100 * tests.at[row]) })],
    ["message", tests.message[row] || ""],
  ];
  $("#dialog dl").replaceChildren(...facts.filter(([, value]) => value).flatMap(([key, value]) => [make("dt", "", say(key)), make("dd", "", value)]));
  const link = $("#to-failure");
  link.hidden = !(row in tests.failure);
  link.href = "#" + (tests.failure[row] || "failures");
  $("#dialog").showModal();
}

// Charts --------------------------------------------------------------------------------------------------
const tip = $("#tip");

function runningAt(shard, second) {
  for (let row = 0; row < count; row++) {
    if (tests.shard[row] === shard && tests.at[row] >= 0 && tests.at[row] <= 10 * second + 0.5 && 10 * second <= tests.at[row] + tests.ms[row] / 100 + 0.5) return idOf(row);
  }
  return "";
}

function tell(figure, share, x, y) {
  const chart = data.charts[figure.dataset.chart], second = share * data.seconds;
  const nearest = chart.points.reduce((best, point) => Math.abs(point[0] - second) < Math.abs(best[0] - second) ? point : best, chart.points[0]);
  const plot = $(".plot", figure).getBoundingClientRect(), all = figure.getBoundingClientRect();
  let cursor = $(".cursor", figure);
  if (!cursor) figure.append(cursor = make("div", "cursor"));
  cursor.style.left = plot.left - all.left + share * plot.width + "px";
  cursor.style.top = plot.top - all.top + "px";
  cursor.style.height = $(".strip", figure).getBoundingClientRect().bottom - plot.top + "px";
  const parts = [say("into_run", { time: seconds(1000 * second) })];
  if (nearest) parts.push(`${say("memory")} ${bytes(nearest[1])} · ${say("latency")} ${seconds(nearest[2])}`);
  parts.push(runningAt(chart.shard, second));
  tip.textContent = parts.filter(Boolean).join("\n");
  tip.hidden = false;
  const width = tip.offsetWidth;
  tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - width - 8)) + "px";
  tip.style.top = Math.min(y + 16, innerHeight - tip.offsetHeight - 8) + "px";
}

function quiet(figure) {
  tip.hidden = true;
  $(".cursor", figure)?.remove();
}

function watch(figure) {
  let at = 0;
  figure.addEventListener("pointermove", (event) => {
    const plot = $(".plot", figure).getBoundingClientRect();
    at = (event.clientX - plot.left) / plot.width;
    if (at >= 0 && at <= 1) tell(figure, at, event.clientX, event.clientY);
    else quiet(figure);
  });
  figure.addEventListener("pointerleave", () => quiet(figure));
  figure.addEventListener("blur", () => quiet(figure));
  figure.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    at = Math.max(0, Math.min(1, at + (event.key === "ArrowLeft" ? -0.01 : 0.01)));
    const plot = $(".plot", figure).getBoundingClientRect();
    tell(figure, at, plot.left + at * plot.width, plot.top);
    event.preventDefault();
  });
}

// Printing: all is unfolded, and the list is written out ----------------------------------------------------
const PRINTED = 3000;
let folded = [];
addEventListener("beforeprint", () => {
  folded = $$("details:not([open])").filter((each) => !each.closest("#logs, #kept"));
  for (const each of folded) each.open = true;
  const rows = found.slice(0, PRINTED).map((row) => {
    const element = make("tr");
    for (const text of [outcomeWord(outcomeOf(row)), idOf(row), tests.shard[row] < 0 ? "–" : tests.shards[tests.shard[row]], seconds(tests.ms[row])]) element.append(make("td", "", text));
    element.children[1].className = "id";
    return element;
  });
  if (found.length > PRINTED) {
    const more = make("tr");
    more.append(make("td", "", say("print_cut", { count: PRINTED })));
    rows.push(more);
  }
  $(".printed tbody").replaceChildren(...rows);
});
addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
  $(".printed tbody").replaceChildren();
});

// Events --------------------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const near = (selector) => event.target.closest(selector);
  if (near(".copy")) copy(near(".copy"));
  else if (near("[data-language]")) {
    speak(near("[data-language]").dataset.language);
    try { localStorage.setItem("language", language); } catch { /* not from a folder */ }
  } else if (near("[data-outcome]")) update({ ...empty, outcome: near("[data-outcome]").dataset.outcome });
  else if (near("[data-change]")) update({ ...empty, change: near("[data-change]").dataset.change });
  else if (near("[data-sort]")) {
    const sort = near("[data-sort]").dataset.sort, again = state.sort === sort;
    const first = sort === "ms"; // the longest first
    update(again && state.down !== first ? { sort: "", down: false } : { sort, down: again ? !state.down : first });
  } else if (near(".line")) open(Number(near(".line").dataset.place));
  else if (near("#to-failure")) $("#dialog").close();
  else if (near("#close") || event.target === $("#dialog")) $("#dialog").close();
  else if (near("#reset")) update({ ...empty });
});
const empty = { ...state };
$("#search").addEventListener("input", (event) => update({ search: event.target.value }));
for (const name of Object.keys(fields)) $("#by-" + name).addEventListener("change", (event) => update({ [name]: event.target.value }));
list.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)), { passive: true });
addEventListener("resize", () => draw());
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    $("#search").focus();
  } else if (event.target === $("#search")) {
    if (event.key === "ArrowDown" || event.key === "Enter") { list.focus(); choose(Math.max(0, chosen)); event.preventDefault(); }
    else if (event.key === "Escape") { update({ search: "" }); $("#search").blur(); }
  } else if (event.target === list) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -count, End: count };
    if (event.key in steps) { choose(chosen + steps[event.key]); event.preventDefault(); }
    else if (event.key === "Enter") { open(Math.max(0, chosen)); event.preventDefault(); }
  }
});
function unfold() { // a link to a folded failure opens it
  const target = location.hash.length > 1 && !location.hash.startsWith("#?") && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
for (const figure of $$("[data-chart]")) watch(figure);
const pause = $("#pause"); // of a run that goes on
let typed = -Infinity;
function reload() { // with what a reader opened, where the list was, and where the keys go
  const open = $$("details[open] > summary").map((each) => each.textContent);
  remember();
  try { sessionStorage.setItem("live", JSON.stringify({ open, top: list.scrollTop, focus: document.activeElement.id })); } catch { /* then it is as at first */ }
  location.reload();
}
function resume() {
  try {
    const kept = JSON.parse(sessionStorage.getItem("live") || "null");
    if (!kept) return;
    for (const each of $$("details > summary")) each.parentElement.open = kept.open.includes(each.textContent) || each.parentElement.open;
    list.scrollTop = kept.top;
    const focused = kept.focus && document.getElementById(kept.focus);
    if (focused) focused.focus({ preventScroll: true });
    if (focused === $("#search")) focused.setSelectionRange(focused.value.length, focused.value.length);
  } catch { /* of an older page */ }
}
if (pause) {
  const paused = () => pause.getAttribute("aria-pressed") === "true";
  const busy = () => $("#dialog").open || performance.now() - typed < 4000 || !getSelection().isCollapsed || $$("audio").some((each) => !each.paused);
  pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(!paused())));
  document.addEventListener("input", () => typed = performance.now());
  setInterval(() => { if (!paused() && !busy()) reload(); }, 1000 * pause.dataset.seconds);
}
if (tests.width) { $("#cut").hidden = false; $("#cut").textContent = say("ids_cut", { count: tests.width }); }
if (location.hash.startsWith("#?")) {
  for (const [key, value] of new URLSearchParams(location.hash.slice(2))) if (key in state) state[key] = key === "down" ? value === "true" : value;
}
search();
speak(remembered() || ((navigator.language || "").toLowerCase().startsWith("zh") ? "zh" : "en"));
for (const name of Object.keys(fields)) $("#by-" + name).value = state[name];
$("#search").value = state.search;
if (pause) resume();
unfold();
(window.requestIdleCallback || setTimeout)(prepare);
// For sound.js: an element that says something in both languages.
window.shardline = {
  both(key, values) {
    const element = make("p", "muted");
    ["en", "zh"].forEach((name, place) => {
      const text = make("span", "", data.words[key][place].replace(/\{(\w+)\}/g, (whole, value) => values[value]));
      text.lang = name;
      element.append(text);
    });
    return element;
  },
};
})();
