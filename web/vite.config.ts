/** How the page is built: the same bytes from the same sources, and nothing that its Content-Security-Policy forbids. */
import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Where a server serves gRPC-Web while the page comes from `npm run dev` or `npm run preview`. */
const server = process.env["ROBOT_SERVER"] ?? "http://127.0.0.1:50051";
const proxy = {
  "^/(robot|grpc)\\.": { target: server, changeOrigin: true, headers: { origin: server } },
};

/** Files whose first comment is the notice of what gets built in. */
const NOTICES = [
  "node_modules/@bufbuild/protobuf/dist/esm/index.js",
  "node_modules/@bufbuild/protobuf/dist/esm/wire/varint.js",
  "node_modules/@connectrpc/connect/dist/esm/index.js",
  "node_modules/@connectrpc/connect-web/dist/esm/index.js",
];

/** What others wrote comes with its licence: comments do not survive the build. */
function licences(): string {
  const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
  const notices = NOTICES.map((file) => {
    const comment = /^(?:\/\/.*\n)+/.exec(read(file))?.[0];
    if (comment === undefined) throw new Error(`${file} does not begin with a notice`);
    return `${file.replace("node_modules/", "")}\n\n${comment.replaceAll(/^\/\/ ?/gm, "")}`;
  });
  const begin = "The console page holds code of others, under these terms.\n";
  return [begin, ...notices, read("../LICENSE-APACHE")].join("\n----\n\n");
}

export default defineConfig({
  plugins: [
    {
      name: "licences",
      generateBundle() {
        this.emitFile({ type: "asset", fileName: "licenses.txt", source: licences() });
      },
    },
  ],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
  server: { fs: { allow: [".."] }, proxy },
  preview: {
    proxy,
    // As robot-server sends it.
    headers: {
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  },
  // A slow machine is no failure.
  test: { include: ["tests/**/*.test.ts"], testTimeout: 60_000 },
});
