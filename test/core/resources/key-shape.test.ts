import assert from "node:assert/strict";
import { keyShape } from "../../../core/resources/key-shape.js";
import { KEPT_KINDS } from "../../../core/resources/kept.js";
import { keys } from "../../../core/resources/keys.js";

describe("core/resources/key-shape", () => {
  it("shows of every key of the layout its kind, and nothing that varies", () => {
    const shapes = Object.entries(keys).flatMap(([name, key]) => {
      if (typeof key === "string") return [[key, keyShape(key)] as const];
      const make = key as (...names: string[]) => string;
      // Where a function takes the type of an authority, any text will do as well; a kept kind has a place of its own.
      const first = name.startsWith("kept") ? KEPT_KINDS : ["s3cret-one"];
      return first.map((one) => {
        const made = make(one, "s3cret-two");
        return [made, keyShape(made)] as const;
      });
    });
    assert.ok(shapes.length > 30);
    for (const [key, shape] of shapes) {
      assert.equal(shape, key.replace(/s3cret-(one|two)/g, "*"), key);
    }
  });

  it("shows nothing of what it does not know", () => {
    const shapes: readonly (readonly [string, string])[] = [
      ["/tokens/params/sessions", "/tokens/*/*"],
      ["/tokens/pwd", "/tokens/*"],
      ["/web/users/tokens/pwd", "/web/users/*/pwd"],
      ["/web/users/alice/sessions/0a1b", "/web/users/*/sessions/*"],
      ["/web/users/alice/u2f/key", "/web/users/*/*/*"],
      ["/cafe01/web", "/*/*"],
      ["/extensions/single_use_tokens/cafe01", "/extensions/single_use_tokens/*"],
      ["/extensions/Cafe01/x_y", "/extensions/*/*"],
      ["/constructor/__proto__/x", "/*/*/*"],
      ["/*/params", "/*/*"],
      ["s3cret", "*"],
      [".locks/main", ".locks/*"],
      ["/", "/"],
      ["", ""],
    ];
    for (const [key, shape] of shapes) assert.equal(keyShape(key), shape, key);
  });
});
