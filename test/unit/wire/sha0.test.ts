import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hashAdminPassword, hashPassword, secureResponse, sha0 } from "../../../server/wire/sha0.ts";
import { naiveSha0 } from "./naive-sha0.ts";

const random = Uint8Array.from({ length: 20 }, (_value, index) => index);
const hex = (bytes: Buffer) => bytes.toString("hex");

// Vectors of reference/softether/session.md, section 3.2, seen with the official 9674 programs.
describe("SHA-0", () => {
  test("of nothing and of abc is what the official programs make of them", () => {
    assert.equal(hex(sha0()), "f96cea198ad1dd5617ac084a3d92c6107708c0ef");
    assert.equal(hex(sha0(Buffer.from("abc"))), "0164b8a914cd2a5e74c4f7ff082c4d97f1edf880");
  });

  test("is that of the naive one, at every length around the ends of blocks", () => {
    for (let length = 0; length <= 200; length++) {
      const message = Buffer.from(Array.from({ length }, (_value, index) => (index * 7 + length) & 0xff));
      assert.equal(hex(sha0(message)), naiveSha0(message), `${length} bytes`);
    }
  });

  test("is that of the naive one for any message, in any parts", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 5 }), (parts) => {
        assert.equal(hex(sha0(...parts)), naiveSha0(Buffer.concat(parts)));
      }),
    );
  });

  test("is not SHA-1", () => {
    assert.notEqual(hex(sha0(Buffer.from("abc"))), createHash("sha1").update("abc").digest("hex"));
  });
});

describe("hash of a password", () => {
  test("has the user's name in upper case in it", () => {
    for (const name of ["alice", "Alice", "ALICE"]) {
      assert.equal(hex(hashPassword("secret", name)), "0e782dacdb78918d73007999da81bc408906d451");
    }
    assert.equal(hex(hashPassword("", "administrator")), "6e9c375ff3b913c6ba1ba71c9e5e2e5e60ed9302");
  });

  test("puts ASCII letters alone in upper case, and takes UTF-8", () => {
    assert.deepEqual(hashPassword("pässword", "zoë"), sha0(Buffer.from("pässwordZOë")));
  });

  test("of an administrator has no name in it", () => {
    assert.equal(hex(hashAdminPassword("secret")), "7fbdaa5a8bb38e873abea93cbdfe4d048547157b");
  });
});

describe("answer to the challenge", () => {
  test("is what the official programs send", () => {
    const answer = (key: Buffer) => hex(secureResponse(key, random));
    assert.equal(answer(hashPassword("secret", "alice")), "1394b82845bfb7a2711c4963f2b62978cb2c6ce3");
    assert.equal(answer(hashAdminPassword("secret")), "010d2383866b55b982b2016e470990dd4ccb8c91");
    assert.equal(answer(hashAdminPassword("")), "9ebd2b921d4306a329d9bd41b40281c703c51bfc");
  });
});
