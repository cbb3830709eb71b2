// A proxy between Terraform and processes of the AWS provider: one process for each configuration, and fewer types
// described.
//
// A process of the provider holds one configuration. Terraform opens a connection for each and configures it there, and
// again for each step of a command, without closing what it opened before. So the proxy gives every configuration a
// process of its own, which serves all connections that are configured alike.
// Each command of Terraform has the provider describe its 1,500 types of resources and decodes that, which takes most
// of the CPU time of a small stack's plan, and uses the few that its configuration and its state name. The proxy leaves
// the others out. All other calls and answers are passed on as they are.
//
//     node provider_proxy.js SOCKET TYPES KEPT COMMAND...
//
// SOCKET is the path of the Unix socket to serve. TYPES is a file of types to describe, one in a line; without it all
// are. KEPT is a file with the whole description, which proxies of the same program share. COMMAND starts the provider.
// When the proxy serves, it prints the value of TF_REATTACH_PROVIDERS. It ends when a provider does.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http2 = require("node:http2");
const net = require("node:net");
const readline = require("node:readline");

const [SOCKET, TYPES, KEPT, ...COMMAND] = process.argv.slice(2);
const SCHEMA = "/tfplugin5.Provider/GetSchema";
const CONFIGURE = "/tfplugin5.Provider/Configure";
// Fields of Terraform's GetProviderSchema.Response; all but diagnostics are maps by name.
const [RESOURCES, DATA_SOURCES, DIAGNOSTICS, FUNCTIONS, EPHEMERAL_RESOURCES] = [2, 3, 4, 7, 8];
const LEFT_OUT = new Set([DATA_SOURCES, FUNCTIONS, EPHEMERAL_RESOURCES]);
const LIMITS = { maxSessionMemory: 4096, settings: { initialWindowSize: 2 ** 24 } };
const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR } = http2.constants;

// Each field of a message of protocol buffers that has messages and text only: number, bytes and content.
function* fieldsOf(message) {
  let at = 0;
  const number = () => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const begin = at;
    const tag = number();
    if ((tag & 7) !== 2) throw new Error(`field ${tag >> 3} has no length`);
    const length = number();
    at += length;
    yield [tag >> 3, message.subarray(begin, at), message.subarray(at - length, at)];
  }
}

// The description with the schemas of these resource types, and of nothing else that has a name.
function namedOnly(description, types) {
  const wanted = ([field, , content]) => {
    if (field !== RESOURCES) return !LEFT_OUT.has(field);
    const [[, , name]] = fieldsOf(content);
    return types.has(name.toString());
  };
  return Buffer.concat([...fieldsOf(description)].filter(wanted).map(([, whole]) => whole));
}

// The one message of an answer, without gRPC's prefix of a byte for compression and four for the length.
function messageOf(answer) {
  if (answer.length < 5 || answer[0] !== 0 || answer.readUInt32BE(1) !== answer.length - 5) {
    throw new Error("the provider's description is not one plain message");
  }
  return answer.subarray(5);
}

function framed(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

// Starts a process of the provider.
async function started() {
  const [program, ...options] = COMMAND;
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "ignore"] });
  child.on("error", end);
  child.on("exit", () => end(new Error("a provider has ended")));
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const found = /TF_REATTACH_PROVIDERS='(.+)'/.exec(line);
    if (!found) continue;
    child.stdout.resume(); // it must be able to write on
    const announced = JSON.parse(found[1]);
    const [{ Addr: address }] = Object.values(announced);
    const connection = http2.connect("http://localhost", {
      ...LIMITS,
      createConnection: () => net.connect(address.String),
    });
    connection.on("error", end);
    return { announced, connection, configuration: null, clients: new Set() };
  }
  throw new Error("the provider did not start");
}

// Terraform reports an error of the connection, and whoever has started this program kills what is left of it.
function end(reason) {
  console.error(`${reason}`);
  process.exit(1);
}

// Passes a call and its answer on. `body` is the request where it was read already. `change`, if given, gets the whole
// answer, unless it is empty, and returns what to answer.
function passOn(stream, headers, provider, { body, change } = {}) {
  const call = provider.connection.request(headers);
  let trailers = {};
  call.on("response", (answer, flags) => {
    if (stream.destroyed) return;
    stream.respond(answer, flags & NGHTTP2_FLAG_END_STREAM ? { endStream: true } : { waitForTrailers: true });
  });
  call.on("trailers", (sent) => {
    trailers = sent;
  });
  call.on("error", () => stream.close(NGHTTP2_INTERNAL_ERROR));
  stream.on("close", () => call.close(NGHTTP2_CANCEL)); // each command of Terraform leaves its streams open
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  if (body) call.end(body);
  else stream.pipe(call);
  if (change) whole(call, (answer) => stream.end(answer.length ? change(answer) : ""));
  else call.pipe(stream);
}

// Calls `done` with all that comes.
function whole(stream, done) {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => done(Buffer.concat(parts)));
}

// The description with the wanted types.
function narrowed(description) {
  if (!fs.existsSync(TYPES)) return description;
  return namedOnly(description, new Set(fs.readFileSync(TYPES, "utf8").split("\n")));
}

// The kept description; nothing where there is none yet.
function readKept() {
  try {
    return fs.readFileSync(KEPT);
  } catch {
    return undefined;
  }
}

// Answers with the kept description, without a provider.
function describe(stream, description) {
  stream.resume();
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(framed(narrowed(description)));
}

// Keeps a description that reports no problem for all, in one step, where the disk takes it; what to answer.
function kept(answer) {
  const description = messageOf(answer);
  if ([...fieldsOf(description)].every(([field]) => field !== DIAGNOSTICS)) {
    const file = `${KEPT}.${process.pid}`;
    try {
      fs.writeFileSync(file, description);
      fs.renameSync(file, KEPT);
    } catch (error) {
      console.error(`the description is not kept: ${error}`);
      fs.rmSync(file, { force: true });
    }
  }
  return framed(narrowed(description));
}

// The provider of a connection that is configured like this: one that is, or that no connection uses, or a new one.
async function configured(providers, configuration) {
  const found =
    providers.find((each) => each.configuration?.equals(configuration)) ??
    providers.find((each) => each.clients.size === 0);
  if (found) return found;
  const more = await started();
  providers.push(more);
  return more;
}

async function main() {
  const first = await started();
  const providers = [first];
  const providerOf = new WeakMap(); // of connections that are configured; the first answers the others
  let turn = Promise.resolve();

  async function configure(client, stream, headers, body) {
    const provider = await configured(providers, body);
    if (client.destroyed) return; // Terraform was ended meanwhile
    providers.forEach((each) => each.clients.delete(client));
    provider.configuration = body;
    provider.clients.add(client);
    client.on("close", () => provider.clients.delete(client));
    providerOf.set(client, provider);
    passOn(stream, headers, provider, { body });
  }

  const server = http2.createServer(LIMITS);
  server.on("stream", (stream, headers) => {
    const path = headers[":path"];
    const client = stream.session;
    stream.on("error", () => {}); // it closes then
    const known = path === SCHEMA ? readKept() : undefined;
    if (path === CONFIGURE) {
      // one after the other, so that two do not choose the same free one
      whole(stream, (body) => {
        turn = turn.then(() => configure(client, stream, headers, body)).catch(end);
      });
    } else if (known) describe(stream, known);
    else passOn(stream, headers, providerOf.get(client) ?? first, { change: path === SCHEMA ? kept : null });
  });
  server.listen(SOCKET, () => {
    for (const provider of Object.values(first.announced)) provider.Addr.String = SOCKET;
    console.log(JSON.stringify(first.announced));
  });
}

main().catch(end);
