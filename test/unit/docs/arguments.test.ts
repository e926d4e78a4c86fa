import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { connectionKinds } from "../../../components/arguments/connection-arguments.ts";
import { awsServerKinds } from "../../../components/aws/aws-server-arguments.ts";
import { awsChildren } from "../../../components/aws/aws-transforms.ts";
import { awsFleetKinds } from "../../../components/aws/fleet/fleet-arguments.ts";
import { awsFleetChildren } from "../../../components/aws/fleet/fleet-transforms.ts";
import { awsFleetKeys, awsServerKeys } from "../../../program/aws-config.ts";
import { hostKeys } from "../../../program/fleet-config.ts";
import { optionKeys } from "../../../program/option-keys.ts";
import { optionKinds } from "../../../components/arguments/server-arguments.ts";

function pageOf(name: string): string {
  return readFileSync(new URL(`../../../docs/reference/${name}.md`, import.meta.url), "utf8");
}

/** Names in the first column of the page's tables. */
function rowsOf(page: string): Set<string> {
  const columns = [...page.matchAll(/^\| ([^|]+) \|/gm)].map(([, column = ""]) => column);
  return new Set(columns.flatMap((column) => [...column.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name)));
}

describe("docs/reference/components.md", () => {
  const page = pageOf("components");

  test("has a row for every argument of a server", () => {
    const rows = rowsOf(page);
    for (const name of ["connection", "publicHost", ...Object.keys(optionKinds)]) {
      assert.ok(rows.has(name), `${name} has no row`);
    }
  });

  test("has a row for every argument of a server on AWS, and every child that a transform may change", () => {
    const section = page.slice(page.indexOf("## AwsVpnServer"), page.indexOf("## AwsVpnFleet"));
    const rows = rowsOf(section);
    for (const name of Object.keys(awsServerKinds)) {
      if (name === "publicHost" || Object.hasOwn(optionKinds, name)) continue;
      assert.ok(rows.has(name), `${name} has no row`);
    }
    for (const name of awsChildren) assert.ok(section.includes(`\`${name}\``), `${name} is not named`);
  });

  test("has a row for every argument of a fleet on AWS, and every child that a transform may change", () => {
    const section = page.slice(page.indexOf("## AwsVpnFleet"));
    const rows = rowsOf(section);
    for (const name of Object.keys(awsFleetKinds)) assert.ok(rows.has(name), `${name} has no row`);
    for (const name of awsFleetChildren) assert.ok(section.includes(`\`${name}\``), `${name} is not named`);
  });

  test("names every argument of a connection", () => {
    const paragraph = /^`SshConnectionArgs`: .*?\n\n/ms.exec(page)?.[0] ?? "";
    for (const name of Object.keys(connectionKinds)) {
      assert.ok(paragraph.includes(`\`${name}\``), `${name} is not named`);
    }
  });
});

describe("docs/reference/configuration.md", () => {
  test("has a row for every key of a host, of a server on AWS, and of all servers", () => {
    const rows = rowsOf(pageOf("configuration"));
    for (const name of Object.keys({ ...hostKeys, ...awsServerKeys })) {
      assert.ok(rows.has(name), `${name} has no row`);
    }
  });

  test("names every key of a fleet on AWS in the part about it", () => {
    const page = pageOf("configuration");
    const start = page.indexOf("## `vpnserver:awsFleets`");
    const rows = rowsOf(page.slice(start, page.indexOf("## Options", start)));
    for (const name of Object.keys(awsFleetKeys)) {
      if (Object.hasOwn(optionKeys, name)) continue;
      assert.ok(rows.has(name), `${name} has no row`);
    }
  });
});
