// The AWS Encryption SDK for JavaScript as it comes, with keyrings over the key service that the environment names.
import {createRequire} from "node:module";

const require = createRequire(process.env.REDOUBT_NPM + "/package.json");
const sdk = require("@aws-crypto/client-node");
const kms = require("@aws-sdk/client-kms");
const {encrypt, decrypt} = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const admin = new kms.KMSClient({});
const send = (name, input = {}) => admin.send(new kms[name + "Command"](input));
const credentials = {accessKeyId: process.env.APP_KEY_ID, secretAccessKey: process.env.APP_SECRET};
const provider = sdk.getClient(sdk.KMS, {credentials});
const keyring = (generatorKeyId, keyIds) => new sdk.KmsKeyringNode({clientProvider: provider, generatorKeyId, keyIds});

function ok(good, words, detail) {
    console.log((good ? "ok " : "not ok ") + words);
    if (!good)
        console.log("# " + String(detail instanceof Error ? detail.stack : JSON.stringify(detail)).replaceAll("\n", "\n# "));
}

async function refused(words, promise, pattern) {
    try {
        await promise;
        ok(false, words, "it worked");
    } catch (error) {
        ok(pattern === undefined || pattern.test(error.name + " " + error.message), words, error);
    }
}

const arns = [];
for (let i = 0; i < 3; i++)
    arns.push((await send("CreateKey", {Description: "keyring " + i})).KeyMetadata.Arn);
await send("CreateAlias", {AliasName: "alias/esdk", TargetKeyId: arns[0].split("/")[1]});
const text = Buffer.alloc(100000, "patient ");
const context = {purpose: "interop", tenant: "a"};

const {result} = await encrypt(keyring(arns[0], [arns[1]]), text, {encryptionContext: context});
for (const [words, arn] of [["the generator", arns[0]], ["the second key alone", arns[1]]]) {
    const opened = await decrypt(keyring(undefined, [arn]), result);
    ok(opened.plaintext.equals(text) && opened.messageHeader.encryptionContext.tenant === "a", "a message, opened by " + words);
}
const discovered = await decrypt(new sdk.KmsKeyringNode({clientProvider: provider, discovery: true}), result);
ok(discovered.plaintext.equals(text), "a message, opened by discovery");

const byAlias = await encrypt(keyring(arns[0].replace(/key\/.*/, "alias/esdk")), text, {encryptionContext: context});
ok((await decrypt(keyring(arns[0]), byAlias.result)).plaintext.equals(text), "made under an alias ARN");
ok((await decrypt(keyring(arns[0]), (await encrypt(keyring(arns[0]), "x")).result)).plaintext.toString() === "x", "without a context");

await refused("by another key", decrypt(keyring(arns[2]), result));
const flipped = Buffer.from(result);
flipped[flipped.length - 200] ^= 1;
await refused("with a flipped bit", decrypt(keyring(arns[0]), flipped));

await send("RotateKeyOnDemand", {KeyId: arns[0]});
ok((await decrypt(keyring(arns[0]), result)).plaintext.equals(text), "after a rotation");

const policy = JSON.stringify({Version: "2012-10-17", Statement: [
    {Effect: "Allow", Principal: {AWS: arns[0].replace(/^(arn:aws):kms:[^:]*:(\d+):.*/, "$1:iam::$2:root")}, Action: "kms:*", Resource: "*"},
    {Effect: "Deny", Principal: "*", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: "*",
     Condition: {StringNotEquals: {"kms:EncryptionContext:tenant": "a"}}}]});
await send("PutKeyPolicy", {KeyId: arns[0], Policy: policy});
ok((await decrypt(keyring(arns[0]), result)).plaintext.equals(text), "a policy on the context lets its own pass");
await refused("and nobody else's", encrypt(keyring(arns[0]), text, {encryptionContext: {tenant: "b"}}), /AccessDenied|not authorized/);

await send("DisableKey", {KeyId: arns[0]});
await refused("disabled", encrypt(keyring(arns[0]), text, {encryptionContext: context}), /Disabled|disabled/);
ok((await decrypt(keyring(undefined, [arns[0], arns[1]]), result)).plaintext.equals(text), "the second key still opens it");
await send("ScheduleKeyDeletion", {KeyId: arns[1], PendingWindowInDays: 7});
await refused("pending deletion", encrypt(keyring(arns[1]), text), /pending deletion/);
console.log("done");
