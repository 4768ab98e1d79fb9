/** Script and style of the signup page, served as files of their own for the content security policy. */

/** Reads the invitation, shows it, and sends the form; an error leaves the form and its QR code as they are. */
export const SIGNUP_SCRIPT = `"use strict";
const form = document.getElementById("signup");
const message = document.getElementById("message");
const field = (id) => document.getElementById(id);
const show = (text, kind) => {
  message.textContent = text;
  message.className = kind;
};

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.message);
  return body;
}

async function open() {
  const invite = await call("/v1/webapi/users/invites/" + form.dataset.token);
  field("user").textContent = invite.user;
  const secondFactor = invite.qr !== "";
  field("second-factor").hidden = !secondFactor;
  field("code").required = secondFactor;
  if (secondFactor) {
    field("qr").src = "data:image/png;base64," + invite.qr;
    field("key").textContent = invite.otp_key;
  }
  form.hidden = false;
  show("", "");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (field("password").value !== field("again").value) {
    show("The two passwords differ.", "error");
    return;
  }
  field("submit").disabled = true;
  try {
    await call("/v1/webapi/users", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        invite_token: form.dataset.token,
        pass: field("password").value,
        second_factor_token: field("code").value,
      }),
    });
    const user = field("user").textContent;
    form.remove();
    show("Your account is ready. Log in with: tsh login --proxy=" + location.host + " --user=" + user, "done");
  } catch (error) {
    show(error.message, "error");
    field("submit").disabled = false;
  }
});


open().then(
  () => undefined,
  () => show("This invitation has expired or was used already. Ask for a new one.", "error"),
);
`;

/** The page's looks. */
export const SIGNUP_STYLE = `body { font: 16px/1.5 system-ui, sans-serif; background: #f2f4f7; color: #1c2733; margin: 0; }
main { max-width: 26rem; margin: 4rem auto; padding: 2rem; background: #fff; border-radius: 8px; box-shadow: 0 1px 4px #0002; }
h1 { font-size: 1.4rem; margin-top: 0; }
label { display: block; margin-top: 1rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: 0.5rem; border: 1px solid #9aa5b1; border-radius: 4px; }
button { font: inherit; margin-top: 1.5rem; padding: 0.6rem 1.2rem; border: 0; border-radius: 4px; background: #0b5fff; color: #fff; cursor: pointer; }
button:disabled { opacity: 0.5; }
code { overflow-wrap: anywhere; }
.error { color: #b00020; }
.done { color: #0a6b2d; }
[hidden] { display: none; }
`;
