/** A new user completes the invitation in a browser and logs in with tsh. */
import assert from "node:assert/strict";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run } from "./kit/programs.js";
import { invite, PASSWORD, totp } from "./kit/users.js";

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

describe("e2e: signup in a browser", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let browser: Browser;
  let page: Page;

  before(async function () {
    needProgram(this, "chromium");
    daemon = await startDaemon({ auth_service: { authentication: { second_factor: "otp" } } });
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  });
  after(async () => {
    await browser?.close();
    await daemon?.remove();
  });
  beforeEach(async () => {
    page = await browser.newPage({ ignoreHTTPSErrors: true });
  });
  afterEach(() => page.close());

  const open = async (token: string): Promise<void> => {
    await page.goto(`https://127.0.0.1:${daemon.ports.web}/web/newuser/${token}`);
  };

  it("shows the invitation, keeps the form after an error, and makes the account", async () => {
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    const token = await invite(daemon, "alice", "root");
    await open(token);
    await page.waitForSelector("#signup:not([hidden])");
    assert.equal(await page.textContent("#user"), "alice");
    const width = await page.$eval(
      "#qr",
      (image) => (image as unknown as { naturalWidth: number }).naturalWidth,
    );
    assert.ok(width > 100, "the QR code is shown");
    const secret = (await page.textContent("#key"))!;

    await page.fill("#password", PASSWORD);
    await page.fill("#again", "something else");
    await page.fill("#code", totp(secret));
    await page.click("#submit");
    await page.locator("#message.error", { hasText: "differ" }).waitFor();

    await page.fill("#again", PASSWORD);
    await page.fill("#code", "000000");
    await page.click("#submit");
    await page.locator("#message.error").filter({ hasNotText: "differ" }).waitFor();
    assert.equal(await page.textContent("#key"), secret, "an error must not change the second factor");

    await page.fill("#code", totp(secret));
    await page.click("#submit");
    await page.waitForSelector("#message.done");
    assert.match((await page.textContent("#message"))!, /tsh login --proxy=127\.0\.0\.1:\d+ --user=alice/);
    assert.deepEqual(
      problems.filter((text) => /Content Security Policy/.test(text)),
      [],
    );

    const home = path.join(daemon.folder, "home");
    const login = await run(
      ours("tsh"),
      ["login", `--proxy=127.0.0.1:${daemon.ports.web}`, "--user=alice", "--insecure"],
      {
        env: { TELEPORT_HOME: home },
        input: `${PASSWORD}\n${totp(secret, 30)}\n`,
      },
    );
    assert.equal(login.code, 0, login.stderr);
    assert.match(login.stdout, /Logged in as: +alice/);
  });

  it("says that an invitation is used up or unknown", async () => {
    await open("0".repeat(32));
    await page.waitForSelector("#message.error");
    assert.match((await page.textContent("#message"))!, /expired or was used/);
  });
});
