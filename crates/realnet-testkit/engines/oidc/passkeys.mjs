// A person with a passkey at a real browser, for tests. Told by one JSON argument:
// {"program": PATH, "address": URL, "username": NAME, "password": TEXT}.
// Adds a passkey, signs out, signs in by it, and tries what has to fail. Prints what each step was answered, as JSON.

import { chromium } from 'playwright-core';

const { program, address, username, password } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: program, headless: true, args: ['--no-sandbox'] });

// Calls the API as a page does, with the cookies it has.
const call = (page, method, path, body, csrf) => page.evaluate(async ([method, path, body, csrf]) => {
  const headers = { 'Content-Type': 'application/json', ...(csrf ? { 'X-CSRF-Token': csrf } : {}) };
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}, [method, path, body, csrf]);

// What the authenticator makes of options, or why it makes nothing.
const create = (page, options) => page.evaluate(async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return navigator.credentials.create({ publicKey }).then((made) => made.toJSON(), (error) => ({ failed: error.name }));
}, options);
const get = (page, options, patience) => page.evaluate(async ([options, timeout]) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, timeout });
  return navigator.credentials.get({ publicKey }).then((made) => made.toJSON(), (error) => ({ failed: error.name }));
}, [options, patience]);

async function signIn(page, patience = 60_000) {
  const options = await call(page, 'POST', '/api/auth/passkeys/options', {});
  const credential = await get(page, options.body.publicKey, patience);
  return credential.failed ? credential : call(page, 'POST', '/api/auth/passkeys/sign-in', { credential, cookie: true });
}

try {
  const page = await (await browser.newContext()).newPage();
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  } });
  await page.goto(address);
  const told = {};
  const login = await call(page, 'POST', '/api/auth', { username, password, cookie: true });
  const csrf = login.body.csrf_token;
  const options = await call(page, 'POST', '/api/auth/passkeys', {}, csrf);
  const made = await create(page, options.body.publicKey);
  told.added = await call(page, 'POST', '/api/auth/passkeys/confirm', { credential: made, name: 'A browser' }, csrf);
  // The same device has one already.
  const again = await call(page, 'POST', '/api/auth/passkeys', {}, csrf);
  told.again = await create(page, again.body.publicKey);
  told.out = await call(page, 'DELETE', '/api/auth', undefined, csrf);
  told.nobody = await call(page, 'GET', '/api/auth');
  told.in = await signIn(page);
  told.who = await call(page, 'GET', '/api/auth');
  // Somebody else holds the device.
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  told.stranger = await signIn(page, 2_000);
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  // A copy of the device, which does not know how often the other one has signed.
  const { credentials: [credential] } = await devices.send('WebAuthn.getCredentials', { authenticatorId });
  await devices.send('WebAuthn.clearCredentials', { authenticatorId });
  await devices.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount: 0 } });
  told.copy = await signIn(page);
  // The same page under another name of this machine is another place, which browsers see to.
  await page.goto(address.replace('localhost', '127.0.0.1'));
  told.elsewhere = await signIn(page);
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
