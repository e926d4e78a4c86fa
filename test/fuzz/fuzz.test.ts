import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { corpusOf } from "../../fuzz/corpus.ts";
import { faultOf, fuzz, type FuzzTarget } from "../../fuzz/fuzzer.ts";
import { targets } from "../../fuzz/targets.ts";

/** Another one finds other inputs; a run with this one is always the same. */
const seed = Number(process.env["VPNSERVER_FUZZ_SEED"] ?? 20_261_127);
const runs = 3_000;

describe(`fuzzing with seed ${seed}`, () => {
  for (const [name, target] of Object.entries(targets)) {
    test(`${name}: ${target.about}`, () => {
      for (const input of corpusOf(name)) assert.equal(faultOf(target, input), undefined, hexOf(input));
      const { fault, places } = fuzz(target, { seed, runs, corpus: corpusOf(name) });
      if (fault !== undefined) {
        assert.ifError(fault.error);
        assert.fail(`fault without an error: ${hexOf(fault.input)}`);
      }
      assert.ok(places > 2, `only ${places} places of the server's sources were reached`);
    });
  }
});

describe("the fuzzer", () => {
  test("finds what only a guided search comes to", () => {
    // Each further byte is a place of its own; by chance alone it would take 2^32 inputs.
    const target = { about: "", seeds: () => [Buffer.alloc(8)], run: maze };
    const { fault } = fuzz(target, { seed, runs: 400_000, corpus: [], sources: "/test/fuzz/" });
    assert.match(String(fault?.error), /found/);
  });

  test("finds the same by the same seed", () => {
    const one = fuzz(targets["dhcp"] as FuzzTarget, { seed, runs: 1_000, corpus: [] });
    const other = fuzz(targets["dhcp"] as FuzzTarget, { seed, runs: 1_000, corpus: [] });
    assert.deepEqual([one.runs, one.kept], [other.runs, other.kept]);
  });

  test("tells of an input that takes too long", () => {
    const target: FuzzTarget = {
      about: "",
      seeds: () => [],
      run: () => {
        const until = performance.now() + 300;
        while (performance.now() < until);
      },
    };
    assert.match(String(faultOf(target, Buffer.alloc(1))), /took/);
  });
});

function maze(input: Buffer): void {
  if (input[0] !== 0x66) return;
  if (input[1] !== 0x75) return;
  if (input[2] !== 0x7a) return;
  if (input[3] !== 0x21) return;
  throw new Error("found");
}

const hexOf = (input: Buffer) => input.toString("hex").slice(0, 400);
