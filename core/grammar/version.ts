/** The version of this product, as every component announces it (semver). */
export const VERSION = "5.0.0";

/** The oldest client that may log in; the 4.2 line asks for the same. */
export const MIN_CLIENT_VERSION = "3.0.0";
