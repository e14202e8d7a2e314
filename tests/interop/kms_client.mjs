// @aws-sdk/client-kms as it comes, against the key service that the environment names. Prints "ok WORDS" or "not ok WORDS".
import {createRequire} from "node:module";

const require = createRequire(process.env.REDOUBT_NPM + "/package.json");
const kms = require("@aws-sdk/client-kms");
const admin = new kms.KMSClient({});
const app = new kms.KMSClient({credentials: {accessKeyId: process.env.APP_KEY_ID, secretAccessKey: process.env.APP_SECRET}});
const once = new kms.KMSClient({maxAttempts: 1});
const send = (client, name, input = {}) => client.send(new kms[name + "Command"](input));
const bytes = text => new TextEncoder().encode(text);
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

function ok(good, words, detail) {
    console.log((good ? "ok " : "not ok ") + words);
    if (!good)
        console.log("# " + JSON.stringify(detail, (_, v) => v instanceof Error ? {name: v.name, message: v.message} : v));
}

async function refused(words, wanted, promise, message) {
    try {
        const answer = await promise;
        ok(false, words, answer);
    } catch (error) {
        const own = kms[wanted]; // a class of the client's own where the model has that error
        ok(error.name === wanted && (own === undefined || error instanceof own) && error.$metadata.httpStatusCode === 400 &&
           /^[0-9a-f-]{36}$/.test(error.$metadata.requestId) && (message === undefined || message.test(error.message)),
           words + ": " + wanted, error);
    }
}

async function works() {
    const made = (await send(admin, "CreateKey", {Description: "by JavaScript", Tags: [{TagKey: "a", TagValue: "b"}]})).KeyMetadata;
    ok(made.CreationDate instanceof Date && Math.abs(made.CreationDate - Date.now()) < 300000 && made.Enabled === true, "create", made);
    await send(admin, "CreateAlias", {AliasName: "alias/js", TargetKeyId: made.KeyId});
    const context = {tenant: "a", table: "\u00e4"};
    const sealed = await send(app, "Encrypt", {KeyId: "alias/js", Plaintext: bytes("secret"), EncryptionContext: context});
    const opened = await send(app, "Decrypt", {CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context});
    ok(same(opened.Plaintext, bytes("secret")) && opened.KeyId === made.Arn, "encrypt, decrypt with context", opened);
    const data = await send(app, "GenerateDataKey", {KeyId: made.Arn, KeySpec: "AES_256"});
    const again = await send(app, "Decrypt", {CiphertextBlob: data.CiphertextBlob, KeyId: made.KeyId});
    ok(same(again.Plaintext, data.Plaintext) && data.Plaintext.length === 32, "a data key");
    const bare = await send(app, "GenerateDataKeyWithoutPlaintext", {KeyId: made.Arn, NumberOfBytes: 64});
    ok(bare.Plaintext === undefined && bare.CiphertextBlob.length > 64, "one without its plaintext");
    ok((await send(app, "GenerateRandom", {NumberOfBytes: 7})).Plaintext.length === 7, "random bytes");
    return [made, sealed.CiphertextBlob, context];
}

async function rotates(key, blob, context) {
    await send(admin, "EnableKeyRotation", {KeyId: key, RotationPeriodInDays: 180});
    const status = await send(admin, "GetKeyRotationStatus", {KeyId: key});
    ok(status.KeyRotationEnabled && status.RotationPeriodInDays === 180 && status.NextRotationDate instanceof Date, "rotation", status);
    const before = (await send(admin, "DescribeKey", {KeyId: key})).KeyMetadata.CurrentKeyMaterialId;
    await send(admin, "RotateKeyOnDemand", {KeyId: key});
    const after = (await send(admin, "DescribeKey", {KeyId: key})).KeyMetadata.CurrentKeyMaterialId;
    const list = await send(admin, "ListKeyRotations", {KeyId: key});
    const opened = await send(app, "Decrypt", {CiphertextBlob: blob, EncryptionContext: context});
    ok(before !== after && list.Rotations.length === 1 && list.Rotations[0].RotationType === "ON_DEMAND" &&
       list.Rotations[0].RotationDate instanceof Date && same(opened.Plaintext, bytes("secret")) &&
       opened.KeyMaterialId === before, "rotation on demand", [before, after, list, opened.KeyMaterialId]);
}

async function lastUsage(made) {
    if (kms.GetKeyLastUsageCommand === undefined)
        return; // this version of the client is older than the operation
    const used = await send(app, "GenerateDataKey", {KeyId: made.KeyId, NumberOfBytes: 16});
    const found = await send(admin, "GetKeyLastUsage", {KeyId: made.KeyId});
    ok(found.KeyLastUsage.Operation === "GenerateDataKey" && found.KeyLastUsage.KmsRequestId === used.$metadata.requestId &&
       found.KeyLastUsage.Timestamp instanceof Date, "the last use", found);
}

async function refusals(made, blob) {
    const key = made.KeyId;
    await refused("another context", "InvalidCiphertextException", send(app, "Decrypt", {CiphertextBlob: blob}));
    await refused("an unknown key", "NotFoundException", send(app, "Encrypt", {
        KeyId: "00000000-0000-4000-8000-000000000000", Plaintext: bytes("x")}), /^Key 'arn:aws:kms:.*' does not exist$/);
    await refused("a policy", "AccessDeniedException", send(app, "DisableKey", {KeyId: key}), /is not authorized to perform: kms:DisableKey/);
    await refused("a shape", "ValidationException", send(admin, "ListKeys", {Limit: 1001}), /^1 validation error detected: .* at 'limit'/);
    await refused("what is not offered", "UnsupportedOperationException", send(admin, "Sign", {
        KeyId: key, Message: bytes("x"), SigningAlgorithm: "ECDSA_SHA_256"}));
    await refused("an alias that is taken", "AlreadyExistsException", send(admin, "CreateAlias", {AliasName: "alias/js", TargetKeyId: key}));
    await refused("a marker made up", "InvalidMarkerException", send(admin, "ListKeys", {Marker: "x"}));
    await refused("tags twice", "TagException", send(admin, "TagResource", {
        KeyId: key, Tags: [{TagKey: "a", TagValue: "1"}, {TagKey: "a", TagValue: "2"}]}));
    await refused("a policy that is none", "MalformedPolicyDocumentException", send(admin, "PutKeyPolicy", {KeyId: key, Policy: "{}"}));
    await refused("a dry run", "DryRunOperationException", send(app, "Encrypt", {KeyId: key, Plaintext: bytes("x"), DryRun: true}));
    const other = (await send(admin, "CreateKey")).KeyMetadata.KeyId;
    await refused("another key", "IncorrectKeyException", send(app, "Decrypt", {CiphertextBlob: blob, KeyId: other}));
    await refused("another algorithm", "InvalidKeyUsageException", send(app, "Encrypt", {
        KeyId: key, Plaintext: bytes("x"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"}));
    const wrong = new kms.KMSClient({maxAttempts: 1, credentials: {accessKeyId: process.env.APP_KEY_ID, secretAccessKey: "x".repeat(40)}});
    await refused("another secret", "InvalidSignatureException", send(wrong, "ListKeys"));
    const token = new kms.KMSClient({maxAttempts: 1, credentials: {
        accessKeyId: process.env.APP_KEY_ID, secretAccessKey: process.env.APP_SECRET, sessionToken: "made up"}});
    await refused("a session token that nobody made", "UnrecognizedClientException", send(token, "ListKeys"));
}

async function clock() {
    // A machine an hour behind: the client takes the time from the refusal's Date, and then signs with it.
    const now = Date.now;
    Date.now = () => now() - 3600 * 1000;
    try {
        const answer = await send(new kms.KMSClient({}), "ListKeys");
        ok(Array.isArray(answer.Keys), "a clock an hour behind is corrected", answer);
    } finally {
        Date.now = now;
    }
}

async function lists() {
    const made = await Promise.all(Array.from({length: 5}, () => send(admin, "CreateKey")));
    const ids = new Set(made.map(m => m.KeyMetadata.KeyId));
    const seen = [];
    for await (const page of kms.paginateListKeys({client: admin, pageSize: 2}, {}))
        seen.push(...page.Keys.map(k => k.KeyId));
    ok(ids.size === 5 && new Set(seen).size === seen.length && made.every(m => seen.includes(m.KeyMetadata.KeyId)),
       "equal calls at once, and pages of two", seen);
}

async function deletion(made, blob, context) {
    const planned = await send(admin, "ScheduleKeyDeletion", {KeyId: made.KeyId, PendingWindowInDays: 7});
    ok(planned.KeyState === "PendingDeletion" && planned.DeletionDate instanceof Date && planned.KeyId === made.Arn, "deletion", planned);
    await refused("pending deletion", "KMSInvalidStateException", send(app, "Decrypt", {CiphertextBlob: blob, EncryptionContext: context}),
                  /^arn:\S+ is pending deletion\.$/);
    await send(admin, "CancelKeyDeletion", {KeyId: made.KeyId});
    await refused("cancelled", "DisabledException", send(app, "Encrypt", {KeyId: made.KeyId, Plaintext: bytes("x")}), /is disabled\.$/);
    await refused("nothing to cancel", "KMSInvalidStateException", send(once, "CancelKeyDeletion", {KeyId: made.KeyId}));
}

const [made, blob, context] = await works();
await rotates(made.KeyId, blob, context);
await lastUsage(made);
await refusals(made, blob);
await clock();
await lists();
await deletion(made, blob, context);
console.log("done");
