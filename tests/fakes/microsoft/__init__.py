"""A server that speaks HTTPS as Microsoft does: Entra ID, Graph's mail and its notifications.

Served by TLS only, because msal refuses `http://` for an authority. Without `certificate` and `key`
it has its own authority; `environment()` then names it in `LEADMAIL_CA_FILE`. msal needs
`instance_discovery=False` for any authority that isn't Microsoft's (see `entra/metadata.py`), and
a session that trusts `ca_file` as its `http_client`.

    with Microsoft(redirect_uris=[...]) as microsoft:
        anna = microsoft.add_account("anna@firm.example")

`Microsoft`: `url`, `ca_file`, `settings`, `environment()`; `add_account`, `add_tenant`, `account`,
`accounts`, `allow_redirect`, `add_client`, `add_certificate`; `consent_as(address, scope)`,
`consent_denied`, `consent_by_page`, `consent_needs_admin`, `consent_for_all`;
`permit_app(domain, roles, mailboxes)`, `forbid_app`, `app_token`;
`fail_next(what, times, method, address, retry_after, skip)`, `throttle`, `delay(by, method)`,
`go_well`; `set_limits(concurrent, requests, window)`; `configure`, `advance`,
`expire_access_tokens`, `rotate_keys`; `trust_endpoints`, `wait_for_notices`; `counters()`,
`reset_counters()`.

`Person`: `address`, `oid`, `tid`, `sub`; `load(path, mails, folder)`, `deliver(raw, folder, at)`,
`move(id, folder)`, `copy(id, folder)`, `delete(id)` for good, `trash(id)`, `mark_read(id)`,
`save_draft`, `send_draft`; `create_folder(name, parent, is_hidden)`, `rename_folder`,
`move_folder`, `remove_folder`, `folder_id(name)`, `folders()`; `messages()`, `raw(id)`,
`rest_id(id)`; `replay(folder)`, `expire_links(folder, how)`; `grant(scope)`, `revoke()`,
`change_password()`, `expire_access_tokens`, `expire_refresh_tokens`, `require(code)`,
`withdraw_consent`, `challenge(claims)`, `go_unchallenged`, `disable`, `enable`, `rename`,
`share_with`; `subscriptions()`, `notify(...)`, `tell_of_life(...)`, `remove_subscriptions()`,
`demand_reauthorization()`, `miss()`; `counters()`. Folders are named by path (`Archive/2025`), by
well-known name (`inbox`, `sentitems`, `deleteditems`, `drafts`, `junkemail`, `archive`) or id;
message ids that are returned and taken are immutable ones.

`Counters`: `users[address]` with `calls` by method, `bodies` (ids whose body was answered),
`contents` (ids whose `$value` was asked), `selected` (how many messages were answered with each
property), `shown` (which), `searches`, `mutable` (calls about messages without the preference for
immutable ids), `refreshes`, `most_at_once`; `of(address)`, `calls`, `refused`, `most_in_flight`,
`notices`. Method names: `entra.authorize`, `entra.token`, `entra.keys`, `entra.configuration`,
`entra.adminconsent`, `graph.users.get` (also `/me`), `graph.mailFolders.list`, `.get`,
`.childFolders`, `.delta`, `graph.messages.list` (with or without `$search`), `.get`, `.value`,
`.delta`, `graph.subscriptions.create`, `.list`, `.get`, `.update`, `.delete`, `.reauthorize`,
`graph.batch`; whatever would change a mailbox has a name too, and is counted and not served.
"""

from tests.fakes.microsoft.graph.journal import Change
from tests.fakes.microsoft.graph.notices import Forgery, Lifecycle
from tests.fakes.microsoft.microsoft import CLIENT_ID, CLIENT_SECRET, Microsoft
from tests.fakes.microsoft.person import Person

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "Change", "Forgery", "Lifecycle", "Microsoft", "Person"]
