// Pages of sound: language, and players of what the page holds; one plays at a time, and a line shows where it is.
"use strict";
const sounds = (() => {
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const held = JSON.parse(document.getElementById("sounds").textContent);
document.documentElement.classList.remove("no-js");

function speak(language) {
  document.documentElement.lang = language;
  for (const button of $$("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  try { localStorage.setItem("language", language); } catch { /* a page from a folder may keep nothing */ }
}
for (const button of $$("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));
let remembered = null;
try { remembered = localStorage.getItem("language"); } catch { /* the same */ }
speak(remembered === "zh" || (!remembered && navigator.language.startsWith("zh")) ? "zh" : "en");

function load(audio) { // as a blob: some browsers play no data: addresses
  if (audio.src || !audio.dataset.sound) return;
  const content = Uint8Array.from(atob(held[audio.dataset.sound]), (character) => character.charCodeAt(0));
  audio.src = URL.createObjectURL(new Blob([content], { type: audio.dataset.embedded }));
}

function pauseOthers(audio) {
  for (const other of $$("audio")) if (other !== audio) other.pause();
}

function play(audio, second = 0) {
  load(audio);
  pauseOthers(audio);
  const start = () => { if (second >= 0) audio.currentTime = Math.min(second, audio.duration || 0); audio.play(); };
  if (audio.readyState) start();
  else { audio.addEventListener("loadedmetadata", start, { once: true }); audio.load(); }
}

function follow(track) {
  const audio = track.querySelector("audio"), button = track.querySelector(".play"), head = track.querySelector(".head");
  const drawn = track.querySelector(".drawn, .progress"), sound = drawn && drawn.querySelector("svg");
  const width = () => (sound ? sound.getBoundingClientRect().width : drawn.clientWidth);
  const move = () => {
    head.hidden = !audio.currentTime;
    head.style.left = (audio.currentTime / audio.duration || 0) * width() + "px";
    if (!audio.paused) requestAnimationFrame(move);
  };
  const label = button.textContent.replace("▶", "").trim() ? button.lastElementChild : null;
  button.addEventListener("click", () => (audio.paused ? play(audio, audio.ended ? 0 : -1) : audio.pause()));
  audio.addEventListener("play", () => { track.classList.add("playing"); button.firstChild.textContent = label ? "❚❚ " : "❚❚"; move(); });
  audio.addEventListener("pause", () => { track.classList.remove("playing"); button.firstChild.textContent = label ? "▶ " : "▶"; move(); });
  if (sound) drawn.addEventListener("click", (event) => { load(audio); play(audio, (event.clientX - drawn.getBoundingClientRect().left) / width() * (audio.duration || 0)); });
}
for (const track of $$(".track")) follow(track);
return { $$, play };
})();
