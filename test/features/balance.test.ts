import assert from "node:assert/strict";
import { test } from "node:test";
import { Balance, type Parts } from "../../src/features/balance.js";

interface Machine {
  cores: number;
  /** Core-seconds for one tile. */
  decode: number;
  backbone: number;
  /** Relative noise of the rate. */
  noise?: (window: number) => number;
}

/** Runs a simulated pipeline for some windows; returns what was used in each. */
function simulate(balance: Balance, { cores, decode, backbone, noise = () => 0 }: Machine, windows: number): Parts[] {
  return Array.from({ length: windows }, (_, i) => {
    const parts = balance.parts;
    const limits = [parts.workers / decode, parts.sessions / backbone, cores / (decode + backbone)];
    const rate = Math.min(...limits) * (1 + noise(i));
    balance.observe({
      seconds: 2,
      tiles: rate * 2,
      workersBusy: Math.min(1, (rate * decode) / parts.workers),
      sessionsBusy: Math.min(1, (rate * backbone) / parts.sessions),
    });
    return parts;
  });
}

test("decode workers are woken, one step after the other, where decoding is slower than planned", () => {
  const balance = new Balance({ workers: 4, sessions: 16 }, { workers: 16, sessions: 16 });
  const machine = { cores: 16, decode: 0.018, backbone: 0.003 };
  const used = simulate(balance, machine, 60);
  assert.deepEqual(used[0], { workers: 4, sessions: 16 });
  assert.ok(balance.parts.workers >= 13, JSON.stringify(balance.parts));
  assert.ok(balance.parts.sessions < 16, "sessions that starve are parked");
});

test("a worker that is not needed is parked, and nothing is changed where all is well", () => {
  const idle = new Balance({ workers: 8, sessions: 1 }, { workers: 8, sessions: 1 });
  simulate(idle, { cores: 32, decode: 0.0003, backbone: 0.001 }, 60);
  assert.equal(idle.parts.workers, 1);
  const well = new Balance({ workers: 1, sessions: 2 }, { workers: 2, sessions: 2 });
  // Two cores, 10 % of the work is decoding: sessions seem busy although they share their cores with the worker.
  for (let i = 0; i < 100; i++) well.observe({ seconds: 2, tiles: 1200, workersBusy: 0.4, sessionsBusy: 0.99 });
  assert.deepEqual(well.parts, { workers: 1, sessions: 2 });
});

test("a change that does not pay is taken back, and tried more and more seldom", () => {
  const balance = new Balance({ workers: 1, sessions: 2 }, { workers: 2, sessions: 2 });
  let trials = 0;
  for (let i = 0; i < 2000; i++) {
    trials += Number(balance.parts.workers === 2);
    // Storage is the limit: whatever decodes, as much comes.
    balance.observe({ seconds: 2, tiles: 500, workersBusy: 1, sessionsBusy: 0.5 });
  }
  assert.ok(trials >= 2 && trials <= 10, String(trials));
  assert.equal(balance.parts.workers, 1);
});

test("noise does not make it flap", () => {
  const balance = new Balance({ workers: 2, sessions: 8 }, { workers: 8, sessions: 8 });
  const noise = (i: number) => 0.2 * Math.sin(i * 2.399) * Math.cos(i * 0.7);
  const used = simulate(balance, { cores: 8, decode: 0.001, backbone: 0.003, noise }, 3000).slice(1000);
  const changes = used.filter((parts, i) => i > 0 && JSON.stringify(parts) !== JSON.stringify(used[i - 1])).length;
  assert.ok(changes < 40, String(changes));
});
