import { crashFlaws } from "./crash-flaws.js";
import { expiryFlaws } from "./expiry-flaws.js";
import { itemFlaws } from "./item-flaws.js";
import { lifeFlaws } from "./life-flaws.js";
import { rangeFlaws } from "./range-flaws.js";
import { watchFlaws } from "./watch-flaws.js";

/** Defects that backends really had, 4.2's among them, and some that are easily made. */
export const allFlaws = [
  ...itemFlaws,
  ...rangeFlaws,
  ...expiryFlaws,
  ...watchFlaws,
  ...lifeFlaws,
  ...crashFlaws,
];
