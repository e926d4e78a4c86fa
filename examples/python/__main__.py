"""A VPN server on a host that answers SSH, with one user."""

import pulumi
import pulumi_vpnserver as vpnserver

config = pulumi.Config()

office = vpnserver.VpnServer(
    "office",
    connection={
        "host": config.require("host"),
        "host_key": config.require("hostKey"),
        "private_key": config.require_secret("privateKey"),
    },
    hubs=[
        {
            "name": "DEFAULT",
            "users": [
                {"name": "alice", "password": config.require_secret("alicePassword")},
            ],
        },
    ],
)

pulumi.export("endpoints", office.endpoints)
pulumi.export("connections", office.connections)
pulumi.export("vpnFiles", office.vpn_files)
pulumi.export("adminPassword", office.admin_password)
