import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RpcName } from "../../../server/admin/definitions.ts";
import { checkHubRestrictions } from "../../../server/admin/hub-restrictions.ts";
import { RpcError, type Administrator } from "../../../server/admin/rpc.ts";
import { adminOptionNames, type AdminOption } from "../../../server/settings/admin-options.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import { hubOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

/** What each option keeps the administrator of a hub from; the options that are not here are for sessions or single fields. */
const forbidden: Readonly<Partial<Record<AdminOption, readonly RpcName[]>>> = {
  deny_hub_admin_change_ext_option: ["SetHubExtOptions"],
  no_cascade: ["CreateLink", "SetLink", "DeleteLink", "RenameLink", "SetLinkOnline", "SetLinkOffline"],
  no_change_access_control_list: ["SetAcList"],
  no_change_access_list: ["AddAccess", "DeleteAccess", "SetAccessList"],
  no_change_cert_list: ["AddCa", "DeleteCa"],
  no_change_crl_list: ["AddCrl", "SetCrl", "DelCrl"],
  no_change_groups: ["CreateGroup", "SetGroup", "DeleteGroup"],
  no_change_log_config: ["SetHubLog"],
  no_change_msg: ["SetHubMsg"],
  no_change_users: ["CreateUser", "SetUser", "DeleteUser"],
  no_delete_iptable: ["DeleteIpTable"],
  no_delete_mactable: ["DeleteMacTable"],
  no_disconnect_session: ["DeleteSession"],
  no_enum_session: ["EnumSession"],
  no_offline: ["SetHubOnline"],
  no_query_session: ["GetSessionStatus"],
  no_read_log_file: ["EnumLogFile", "ReadLogFile"],
  no_securenat: ["EnableSecureNAT", "DisableSecureNAT", "SetSecureNATOption"],
};
const methods = [...new Set(Object.values(forbidden).flat())];

const settingsWith = (option: AdminOption) =>
  new TestAdministration([
    hubOf({ name: "Own", adminOptions: { [option]: 1 } }),
    hubOf({ name: "Other" }),
  ]).settings();

/** Whether a method is refused. */
function isRefused(settings: ServerSettings, method: RpcName, administrator: Administrator, request = {}) {
  try {
    checkHubRestrictions(settings, method, request, { administrator });
    return false;
  } catch (error) {
    assert.ok(error instanceof RpcError && error.error === "notEnoughRights");
    return true;
  }
}

describe("the administrator of a hub", () => {
  const ofHub: Administrator = { type: "hub", hubName: "OWN" };

  for (const option of adminOptionNames) {
    const expected = forbidden[option] ?? [];
    test(`is kept from ${expected.length === 0 ? "no method as a whole" : expected.join(", ")} by ${option}`, () => {
      const settings = settingsWith(option);
      const refused = methods.filter((method) => isRefused(settings, method, ofHub));
      assert.deepEqual(refused.toSorted(), [...expected].toSorted());
      const ofOther: Administrator = { type: "hub", hubName: "Other" };
      for (const administrator of [ofOther, { type: "server" } as const]) {
        assert.ok(!methods.some((method) => isRefused(settings, method, administrator)));
      }
    });
  }

  test("is kept from switching it on by no_online, and from switching it off by no_offline", () => {
    const [noOnline, noOffline] = [settingsWith("no_online"), settingsWith("no_offline")];
    assert.ok(isRefused(noOnline, "SetHubOnline", ofHub, { Online: true }));
    assert.ok(!isRefused(noOnline, "SetHubOnline", ofHub, { Online: false }));
    assert.ok(!isRefused(noOffline, "SetHubOnline", ofHub, { Online: true }));
    assert.ok(isRefused(noOffline, "SetHubOnline", ofHub, { Online: false }));
  });
});
