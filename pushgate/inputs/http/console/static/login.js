// The login page.

import { change } from "./api.js";
import { byId } from "./dom.js";

const form = byId("login");
const button = byId("submit");
const fault = byId("fault");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  button.textContent = "Logging in …";
  fault.hidden = true;
  try {
    await change("login", { name: byId("name").value, secret: byId("secret").value });
    location.assign(`/console/${location.hash}`);
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
    byId("secret").value = "";
    byId("secret").focus();
  } finally {
    button.disabled = false;
    button.textContent = "Log in";
  }
});
