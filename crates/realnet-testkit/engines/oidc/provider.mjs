// A real OpenID Connect provider for tests: anybody signs in with any password, under the name that they give.
// Told by one JSON argument: {"callback": URL, "client": ID, "secret": SECRET}. Prints its issuer once it listens.

import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const { callback, client, secret } = JSON.parse(process.argv[2]);

// Ends with the test that started it, however that ends.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [callback] }],
    claims: { email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@first.test`,
        email_verified: !id.startsWith('unproved'),
        name: `${id} of the provider`,
        preferred_username: id,
      }),
    }),
  });
  server.on('request', provider.callback());
  console.log(`issuer ${issuer}`);
});
