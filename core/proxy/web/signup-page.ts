/**
 * The page behind an invite link: password, and the QR code of the second factor. Plain HTML with one script and one
 * stylesheet of our own, so that the content security policy needs no exception. The invite is read by the script, not
 * by the page: link previews that fetch the page must not use up a TOTP secret.
 */
import type { FastifyInstance } from "fastify";
import { SIGNUP_SCRIPT, SIGNUP_STYLE } from "./signup-assets.js";

const TOKEN = /^[0-9A-Za-z_-]{1,128}$/;

/** Adds the page and its assets. */
export function registerSignupPage(app: FastifyInstance): void {
  app.get("/web/signup.js", (_request, reply) =>
    reply.type("text/javascript; charset=utf-8").send(SIGNUP_SCRIPT),
  );
  app.get("/web/signup.css", (_request, reply) => reply.type("text/css; charset=utf-8").send(SIGNUP_STYLE));
  app.get<{ Params: { token: string } }>("/web/newuser/:token", (request, reply) => {
    if (!TOKEN.test(request.params.token)) return reply.callNotFound();
    return reply.type("text/html; charset=utf-8").send(page(request.params.token));
  });
}

function page(token: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Teleport: create your account</title>
<link rel="stylesheet" href="/web/signup.css">
</head>
<body>
<main>
<h1>Create your account</h1>
<noscript><p class="error">This page needs JavaScript.</p></noscript>
<p id="message" role="status">Reading your invitation…</p>
<form id="signup" data-token="${token}" hidden>
<p>User name: <strong id="user"></strong></p>
<label for="password">Password (6 to 72 characters)</label>
<input id="password" type="password" autocomplete="new-password" minlength="6" maxlength="72" required>
<label for="again">Password again</label>
<input id="again" type="password" autocomplete="new-password" required>
<section id="second-factor">
<p>Scan this code with an authenticator app, then type the six digits that it shows.</p>
<img id="qr" alt="QR code of the second factor" width="228" height="228">
<p>Cannot scan it? Type this key: <code id="key"></code></p>
<label for="code">Six-digit code</label>
<input id="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}">
</section>
<button id="submit">Create account</button>
</form>
</main>
<script src="/web/signup.js"></script>
</body>
</html>
`;
}
