// A person at a real browser, for tests: opens pages, signs in at the provider when it asks, and tells where that has led.
// Told by one JSON argument: {"program": PATH, "visits": [{"open": URL, "login": NAME or null, "until": PREFIX, "ask": PATH}]}.
// Prints a JSON list, one entry for each visit: where it ended, the cookies there, and what `ask` answered.

import { chromium } from 'playwright-core';

const { program, visits } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: program, headless: true, args: ['--no-sandbox'] });
const context = await browser.newContext();
const page = await context.newPage();
page.setDefaultTimeout(60_000);

// Fills in what the provider asks for, whichever page it shows next, until the browser is where it is to end.
async function answer(login, until) {
  const end = Date.now() + 60_000;
  while (!page.url().startsWith(until)) {
    if (Date.now() > end) throw new Error(`still at ${page.url()}: ${await page.innerText('body')}`);
    try {
      if (await page.locator('input[name=login]').isVisible()) {
        if (!login) throw new Error('the provider asks who it is');
        await page.fill('input[name=login]', login);
        await page.fill('input[name=password]', 'any');
      }
      const button = page.locator('button[type=submit]').first();
      if (await button.isVisible()) await button.click({ timeout: 5_000 });
    } catch (error) {
      // A page that has just gone can not be filled in any more.
      if (error.message.startsWith('the provider')) throw error;
    }
    await page.waitForTimeout(100);
  }
  await page.waitForLoadState();
}

async function visit({ open, login, until, ask }) {
  await page.goto(open);
  await answer(login, until);
  const cookies = (await context.cookies(until)).map(({ name, httpOnly, sameSite, secure }) => ({ name, httpOnly, sameSite, secure }));
  const told = ask ? await page.evaluate(async (path) => {
    const response = await fetch(path);
    return { status: response.status, body: await response.json() };
  }, ask) : null;
  return { url: page.url(), text: await page.innerText('body'), cookies, answer: told };
}

const seen = [];
try {
  for (const one of visits) seen.push(await visit(one));
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
