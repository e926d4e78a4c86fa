import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { corpusOf } from "../../fuzz/corpus.ts";
import { faultOf, fuzz, type FuzzTarget } from "../../fuzz/fuzzer.ts";
import { Chance, mutate } from "../../fuzz/mutate.ts";
import { targets } from "../../fuzz/targets.ts";

/** Another one finds other inputs. */
const seed = Number(process.env["VPNSERVER_FUZZ_SEED"] ?? 20_261_127);
const runs = 2_000;

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
    // Each further half of a byte is a place of its own; by chance alone it would take 2^24 inputs.
    const target = { about: "", seeds: () => [Buffer.alloc(8)], run: maze };
    const { fault } = fuzz(target, { seed, runs: 100_000, corpus: [], sources: "/test/fuzz/" });
    assert.match(String(fault?.error), /found/);
  });

  test("makes the same of the same inputs by the same seed", () => {
    const corpus = [Buffer.from("one input"), Buffer.from("and another 123")];
    const [one, other] = [seed, seed].map((each) => {
      const chance = new Chance(each);
      return Array.from({ length: 500 }, () =>
        mutate(chance.pick(corpus), corpus, chance, 64).toString("hex"),
      );
    });
    assert.deepEqual(one, other);
    assert.ok(new Set(one).size > 400);
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
  const at = (index: number) => (input[index] ?? 0) >> 4;
  if (at(0) !== 6) return;
  if (at(1) !== 7) return;
  if (at(2) !== 9) return;
  if (at(3) !== 5) return;
  if (at(4) !== 11) return;
  if (at(5) !== 13) return;
  throw new Error("found");
}

const hexOf = (input: Buffer) => input.toString("hex").slice(0, 400);
