import assert from "node:assert/strict";
import { formatEndpoint } from "../../../../../core/cli/tsh/forwarding/endpoint.js";
import {
  parseDynamicForward,
  parseLocalForward,
  parseRemoteForward,
} from "../../../../../core/cli/tsh/forwarding/forward-spec.js";

describe("the arguments of forwards", () => {
  const local: [string, string, string][] = [
    ["80:remote:8080", "127.0.0.1:80", "remote:8080"],
    ["0.0.0.0:80:remote:8080", "0.0.0.0:80", "remote:8080"],
    [":80:remote:8080", "127.0.0.1:80", "remote:8080"],
    ["*:80:remote:8080", "*:80", "remote:8080"],
    ["[::1]:80:[fd00::1]:8080", "[::1]:80", "[fd00::1]:8080"],
    ["0:remote:80", "127.0.0.1:0", "remote:80"],
    ["80:/run/x.sock", "127.0.0.1:80", "/run/x.sock"],
    ["localhost:80:/run/x.sock", "localhost:80", "/run/x.sock"],
    ["/tmp/l.sock:remote:80", "/tmp/l.sock", "remote:80"],
    ["/tmp/l.sock:/run/x.sock", "/tmp/l.sock", "/run/x.sock"],
  ];
  for (const [spec, listen, target] of local) {
    it(`-L ${spec}`, () => {
      const forward = parseLocalForward(spec);
      assert.deepEqual([formatEndpoint(forward.listen), formatEndpoint(forward.target)], [listen, target]);
    });
  }

  const badLocal = [
    "bad",
    "80:remote",
    "80:remote:0",
    "70000:a:1",
    "a:b:c:d:e",
    "80::80",
    "[x]:1:a:2",
    "",
    "80",
  ];
  for (const spec of [...badLocal, "/a", "/a:b", "1:2:3:4:5", "80:a:1:", "[::1:80:a:1"]) {
    it(`-L ${spec} is refused`, () => {
      assert.throws(() => parseLocalForward(spec), {
        message: `Invalid port forwarding spec: '${spec}'. Could be like \`80:remote.host:80\``,
      });
    });
  }

  const remote: [string, string, string | undefined][] = [
    ["8080:localhost:80", "localhost:8080", "localhost:80"],
    ["*:8080:localhost:80", "*:8080", "localhost:80"],
    ["0:localhost:80", "localhost:0", "localhost:80"],
    ["8080", "localhost:8080", undefined],
    ["127.0.0.1:8080", "127.0.0.1:8080", undefined],
    ["/tmp/r.sock:/run/x.sock", "/tmp/r.sock", "/run/x.sock"],
    ["8080:/run/x.sock", "localhost:8080", "/run/x.sock"],
  ];
  for (const [spec, listen, target] of remote) {
    it(`-R ${spec}`, () => {
      const forward = parseRemoteForward(spec);
      assert.equal(formatEndpoint(forward.listen), listen);
      assert.equal(forward.target && formatEndpoint(forward.target), target);
    });
  }

  it("-R refuses what it cannot read", () => {
    for (const spec of ["", "x", "80:", "80:a", "/tmp/s", "1:2:3:4:5"]) {
      assert.throws(() => parseRemoteForward(spec), /^CodedError: Invalid remote port forwarding spec/, spec);
    }
  });

  it("-D takes a port, and the forms of 4.2", () => {
    const forms = { "1080": "127.0.0.1:1080", ":1080": "127.0.0.1:1080", "[::1]:1": "[::1]:1", "*:0": "*:0" };
    for (const [spec, listen] of Object.entries(forms)) {
      assert.equal(formatEndpoint(parseDynamicForward(spec)), listen);
    }
    for (const spec of ["", "x", "1:2:3", "a:b", "/tmp/s", "1080:"]) {
      assert.throws(
        () => parseDynamicForward(spec),
        /^CodedError: Invalid dynamic port forwarding spec/,
        spec,
      );
    }
  });
});
