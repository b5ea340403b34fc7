// Kept sound: its waveform, and its pitch by YIN (de Cheveigné and Kawahara, 2002), drawn when it comes into view.
"use strict";
(() => {
const LOW = 60, HIGH = 500, FRAMES = 240, THRESHOLD = 0.15;

// Pitch of a frame in Hz; 0 where nothing is voiced.
function pitch(samples, start, rate) {
  const longest = Math.floor(rate / LOW), shortest = Math.floor(rate / HIGH);
  if (start + 2 * longest >= samples.length) return 0;
  const difference = new Float32Array(longest + 1);
  let energy = 0;
  for (let i = 0; i < longest; i++) energy += samples[start + i] ** 2;
  if (energy / longest < 1e-5) return 0;
  let sum = 0;
  for (let lag = 1; lag <= longest; lag++) {
    let total = 0;
    for (let i = 0; i < longest; i++) { const by = samples[start + i] - samples[start + i + lag]; total += by * by; }
    sum += total;
    difference[lag] = sum ? total * lag / sum : 1;
  }
  for (let lag = shortest; lag < longest; lag++) {
    if (difference[lag] >= THRESHOLD) continue;
    while (lag + 1 < longest && difference[lag + 1] < difference[lag]) lag++;
    const [a, b, c] = [difference[lag - 1], difference[lag], difference[lag + 1]];
    const bend = a - 2 * b + c;
    return rate / (lag + (bend ? (a - c) / (2 * bend) : 0));
  }
  return 0;
}

// Thin a sound out to about 8 kHz: enough for a pitch, and quick.
function thinned(buffer) {
  const step = Math.max(1, Math.floor(buffer.sampleRate / 8000)), all = buffer.getChannelData(0);
  const samples = new Float32Array(Math.floor(all.length / step));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let j = 0; j < step; j++) sum += all[i * step + j];
    samples[i] = sum / step;
  }
  return [samples, buffer.sampleRate / step];
}

function curve(buffer) {
  const [samples, rate] = thinned(buffer), found = [];
  const frames = Math.min(FRAMES, Math.max(1, Math.floor(samples.length / (rate / 100))));
  for (let frame = 0; frame < frames; frame++) found.push(pitch(samples, Math.floor(frame * samples.length / frames), rate));
  return found;
}

function draw(canvas, buffer, pitches, played) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  context.scale(scale, scale);
  const samples = buffer.getChannelData(0), step = Math.max(1, Math.floor(samples.length / width));
  for (let x = 0; x < width; x++) {
    let low = 0, high = 0;
    for (let i = x * step; i < Math.min(samples.length, (x + 1) * step); i++) { low = Math.min(low, samples[i]); high = Math.max(high, samples[i]); }
    context.fillStyle = x / width < played ? colour("--accent") : colour("--step-packages");
    context.globalAlpha = 0.55;
    context.fillRect(x, height / 2 - high * height / 2, 1, Math.max(1, (high - low) * height / 2));
  }
  context.globalAlpha = 1;
  context.strokeStyle = colour("--warn");
  context.lineWidth = 2;
  context.beginPath();
  let before = 0;
  pitches.forEach((hertz, place) => {
    const x = (place + 0.5) / pitches.length * width, y = height - 4 - (Math.log(hertz / LOW) / Math.log(HIGH / LOW)) * (height - 8);
    if (hertz && before && Math.abs(Math.log2(hertz / before)) < 0.4) context.lineTo(x, y);
    else if (hertz) context.moveTo(x, y);
    before = hertz;
  });
  context.stroke();
}

async function show(audio) {
  const [kind, encoded] = audio.src.slice("data:".length).split(";base64,");
  const content = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  audio.src = URL.createObjectURL(new Blob([content], { type: kind })); // some browsers play no data: addresses
  const buffer = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(content.buffer);
  const canvas = document.createElement("canvas"), pitches = curve(buffer);
  const voiced = pitches.filter(Boolean).sort((a, b) => a - b), at = (share) => Math.round(voiced[Math.floor(share * (voiced.length - 1))]);
  const values = { seconds: buffer.duration.toFixed(2), low: at(0.05), middle: at(0.5), high: at(0.95) };
  canvas.setAttribute("aria-hidden", "true"); // the line below it says what it shows
  audio.before(canvas);
  audio.after(shardline.both(voiced.length ? "pitch_note" : "no_pitch_note", values));
  const redraw = () => draw(canvas, buffer, pitches, audio.currentTime / buffer.duration);
  canvas.addEventListener("click", (event) => { audio.currentTime = event.offsetX / canvas.clientWidth * buffer.duration; audio.play(); });
  audio.addEventListener("timeupdate", redraw);
  addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  redraw();
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    seen.unobserve(entry.target);
    show(entry.target).catch(() => {}); // of a kind that this browser does not decode: the player stays
  }
}, { rootMargin: "200px" });
for (const audio of document.querySelectorAll("audio[data-embedded]")) seen.observe(audio);
})();
