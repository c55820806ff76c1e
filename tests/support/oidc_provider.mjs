// A certified OpenID provider (oidc-provider) for tests: node oidc_provider.mjs WEB_FOLDER PORT BACK_ADDRESS
// Whoever signs in is who they say; people and their groups are those below.
import { pathToFileURL } from "node:url";

const [web, port, back] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${web}/node_modules/oidc-provider/lib/index.js`).href);

const PEOPLE = {
  wang: { preferred_username: "周大華", groups: ["bms-operators", "everybody"] },
  "other-wang": { preferred_username: "周大華", groups: ["bms-supervisors"] },
  chen: { preferred_username: "陳主任", groups: ["bms-supervisors"] },
  stranger: { preferred_username: "路人", groups: ["everybody"] },
  nameless: { groups: ["bms-operators"] },
};
const client = (client_id, more) => ({
  client_id, client_secret: `secret-of-${client_id}`, redirect_uris: [back], grant_types: ["authorization_code"], ...more,
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client("bms"),
    client("bms-es", { id_token_signed_response_alg: "ES256" }),
    client("bms-hs", { id_token_signed_response_alg: "HS256" }),
  ],
  jwks: { keys: JSON.parse(process.env.OIDC_KEYS) },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "HS256"] },
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["of this test only"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
