// Two recordings in blind order: switching goes on at the same moment, choosing says which is which.
"use strict";
(() => {
const { $$, play } = sounds;
const pairs = $$("[data-pair]");
let current = pairs[0];

function choose(pair, choice) {
  pair.dataset.chosen = choice;
  for (const button of $$("[data-choice]", pair)) button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
  pair.querySelector(".revealed").hidden = false;
  tally();
}

// How likely so clear a preference is where there is none: the sign test, two-sided.
function chance(a, b) {
  const of = a + b, least = Math.min(a, b);
  let way = 1, sum = 0;
  for (let k = 0; k <= least; k++) { sum += way; way = way * (of - k) / (k + 1); }
  return Math.min(1, 2 * sum / 2 ** of);
}

function tally() {
  const section = document.getElementById("tally");
  if (!section || pairs.some((pair) => !pair.dataset.chosen)) return;
  const counts = { a: 0, b: 0, 0: 0 };
  for (const pair of pairs) {
    const whose = pair.dataset.chosen === "0" ? null : $$("[data-whose]", pair)[pair.dataset.chosen - 1];
    counts[whose ? whose.dataset.whose : 0]++;
  }
  for (const cell of $$("[data-count]", section)) cell.textContent = counts[cell.dataset.count];
  section.querySelector(".open").hidden = true;
  section.querySelector("dl").hidden = section.querySelector(".chance").hidden = false;
  section.querySelector(".chance b").textContent = chance(counts.a, counts.b).toFixed(3);
}

function hear(pair, side) {
  current = pair;
  const audios = $$("audio", pair), other = audios[2 - side];
  play(audios[side - 1], other.paused ? 0 : other.currentTime);
}
for (const pair of pairs) {
  for (const track of $$(".track", pair)) {
    track.querySelector(".play").addEventListener("click", (event) => {
      const audio = track.querySelector("audio");
      if (!audio.paused) return;
      event.stopImmediatePropagation();
      hear(pair, Number(track.dataset.side));
    }, true);
  }
  for (const button of $$("[data-choice]", pair)) button.addEventListener("click", () => choose(pair, button.dataset.choice));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "1" || event.key === "2") hear(current, Number(event.key));
  if (event.key === " " && event.target === document.body) { event.preventDefault(); for (const audio of $$("audio", current)) audio.pause(); }
});
})();
