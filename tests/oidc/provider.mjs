// A real identity provider (oidc-provider) on loopback, for the tests of logins.
//
// It prints its issuer and then waits: POST /_test/start {"console": URL} names the console it
// serves, for the address that its client may be sent back to.  POST /_test/mode {"mode": WORD}
// makes the answers of its token endpoint wrong in one way each, signed with its own key where
// the way allows; POST /_test/rotate gives it another key.  All answer how often its keys were
// asked for.  Ends when its input does.
import http from 'node:http';
import { once } from 'node:events';
import Provider from 'oidc-provider';
import * as jose from 'jose';

const people = {
  ada: { groups: ['ops'], email: 'ada@example.test' },
  bob: { groups: ['acme'], email: 'bob@example.test' },
  eve: { groups: ['strangers'], email: 'eve@example.test' },
};
let provider = null;
let start = null;
let mode = 'good';
let keys = [];
let keysAsked = 0;

async function makeKey(kid, alg) {
  const pair = await jose.generateKeyPair(alg, { extractable: true });
  return { ...(await jose.exportJWK(pair.privateKey)), kid, alg, use: 'sig' };
}

function encode(o) {
  return Buffer.from(JSON.stringify(o)).toString('base64url');
}

// One claim or the signature made wrong.
async function tamper(token) {
  const claims = jose.decodeJwt(token);
  const header = jose.decodeProtectedHeader(token);
  const mine = keys.find((k) => k.kid === header.kid);
  const now = Math.floor(Date.now() / 1000);
  const resign = async (key, head = header) =>
    new jose.SignJWT(claims).setProtectedHeader(head).sign(await jose.importJWK(key, head.alg));
  switch (mode) {
    case 'nonce':
      claims.nonce = 'another';
      return resign(mine);
    case 'no-nonce':
      delete claims.nonce;
      return resign(mine);
    case 'aud':
      claims.aud = 'another-program';
      return resign(mine);
    case 'iss':
      claims.iss = 'http://127.0.0.1:1';
      return resign(mine);
    case 'expired':
      claims.iat = now - 7200;
      claims.exp = now - 3600;
      return resign(mine);
    case 'future':
      claims.nbf = now + 3600;
      return resign(mine);
    case 'none':
      return `${encode({ alg: 'none' })}.${encode(claims)}.`;
    case 'hs256': { // the public key as an HMAC secret
      const secret = Buffer.from(await jose.exportSPKI(
        await jose.importJWK({ ...mine, d: undefined, p: undefined, q: undefined, dp: undefined,
          dq: undefined, qi: undefined }, header.alg)));
      return new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: header.kid })
        .sign(secret);
    }
    case 'unknown-kid':
      return resign(await makeKey('stranger', header.alg), { ...header, kid: 'stranger' });
    case 'other-key':
      return resign(await makeKey(header.kid, header.alg));
    case 'no-token':
      return undefined;
    default:
      return token;
  }
}

function makeProvider(issuer, console) {
  const p = new Provider(issuer, {
    clients: [{
      client_id: 'millwright',
      client_secret: 'a secret: with signs & spaces',
      redirect_uris: [`${console}login/oidc/return`],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      id_token_signed_response_alg: keys[0].alg,
    }],
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'],
      groups: ['groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true, methods: ['S256'] },
    findAccount: (ctx, id) => (people[id] ? {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, ...people[id] }),
    } : undefined),
  });
  p.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/token' && ctx.body && ctx.body.id_token) {
      ctx.body = { ...ctx.body, id_token: await tamper(ctx.body.id_token) };
    }
  });
  return p.callback();
}

async function bodyOf(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text ? JSON.parse(text) : {};
}

const server = http.createServer(async (req, res) => {
  if (req.url === '/jwks') keysAsked += 1;
  if (!req.url.startsWith('/_test/')) {
    if (provider) provider(req, res);
    else res.writeHead(503).end();
    return;
  }
  const said = await bodyOf(req);
  if (req.url === '/_test/start') start = said.console;
  if (req.url === '/_test/mode') mode = said.mode;
  if (req.url === '/_test/rotate') keys = [await makeKey(`k${Date.now()}`, said.alg || 'RS256')];
  if (req.url === '/_test/start' || req.url === '/_test/rotate') {
    provider = makeProvider(issuer, start);
  }
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keysAsked }));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
keys = [await makeKey('k1', 'RS256')];
process.stdout.write(`${issuer}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
