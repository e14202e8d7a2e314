-- lib.lua - what the built-in rules share: words of the plan put in groups, and questions about a
-- subject that more than one rule asks. Only global functions and constants; no rules.

-- Stores that take objects over HTTP and have a policy that can refuse some of them.
OBJECT_STORES = {
  s3 = true, ["s3-glacier"] = true, gcs = true, ["azure-blob"] = true, minio = true,
}

-- Names that may stand where a key is named, without an entry under `keys`.
BUILTIN_KEYS = { ["os-managed"] = true, ["provider-default"] = true }

-- A processor's store is not ours to encrypt: THIRD-PARTY-EVIDENCE asks for its papers instead.
function is_external_store(s)
  return s.section == "stores" and s.kind == "external"
end

function is_endpoints(s)
  return s.section == "stores" and s.kind == "endpoints"
end

-- Named by its own backup_of, or by `backup:` of the store that it copies.
function is_backup(s)
  return s.section == "stores" and #s.sources > 0
end

function is_object_store(s)
  return s.section == "stores" and OBJECT_STORES[s.kind] == true
end

-- A service that we run ourselves.
function is_own_service(s)
  return s.section == "services" and not s.external
end

-- 0 when nothing with a level is near the subject.
function rank_of(subject)
  if subject.effective == nil then return 0 end
  return level_rank(subject.effective)
end

function is_critical(subject)
  return subject.effective == "critical"
end

function at_least_high(subject)
  return rank_of(subject) >= level_rank("high")
end

-- What the level of a subject demands, or nil where it has none.
function floor_of(subject)
  if subject.effective == nil then return nil end
  return floor(subject.effective)
end

-- has() for a list that may be missing.
function lists(list, value)
  return list ~= nil and has(list, value)
end

function is_kind(data, kind)
  return lists(data.kinds, kind)
end

-- The data entries a store holds itself; all_data has those of its sources too.
function held(s)
  local out = {}
  for _, name in ipairs(s.holds or {}) do
    local d = get("data." .. name)
    if d then table.insert(out, d) end
  end
  return out
end

-- The volume of a store: {algorithm, key}; empty when nothing is said.
function volume_of(s)
  return s.at_rest and s.at_rest.volume or {}
end

function fields_of(s)
  return s.at_rest and s.at_rest.fields or {}
end

-- data name -> the entry of `fields` that covers it.
function covered_fields(s)
  local by = {}
  for _, entry in ipairs(fields_of(s)) do
    for _, name in ipairs(entry.data or {}) do by[name] = entry end
  end
  return by
end

-- A data type whose stored form is no longer the value itself. X3: a hash stands for encryption;
-- whether the hash is any good is asked by HASH-PASSWORD and HASH-TOKEN. Delegated data is not
-- here: what was delegated to a processor and still lies in a store of ours, lies there in clear.
function has_safe_form(data)
  local form = data.form
  if form == nil then return false end
  return form.hashed ~= nil or form.tokenised ~= nil or form.client_side == true
end

-- A key by its bare name, or nil for a built-in name.
function key_of(name)
  if name == nil or BUILTIN_KEYS[name] then return nil end
  return get("keys." .. name)
end

-- Envelope keys live inside the data, wrapped by their parent: they have no custody of their own.
function is_envelope(key)
  return key.custody ~= nil and key.custody.provider == "envelope"
end

-- The key itself, then the keys that wrap it, outwards. The loader refuses cycles; the limit is
-- only there so that a mistake of ours cannot hang.
CHAIN_MAX = 32
function key_chain(key)
  local chain = {}
  while key ~= nil and #chain < CHAIN_MAX do
    table.insert(chain, key)
    key = key_of(key.wrapped_by)
  end
  return chain
end

-- Kept by a Redoubt key service, whose probe can say more than the plan.
function is_redoubts(key)
  return key.custody ~= nil and key.custody.provider == "redoubt"
end

-- Where a key is kept: the first key of its chain that is not an envelope key.
function keeper_of(key)
  local chain = key_chain(key)
  for _, k in ipairs(chain) do
    if not is_envelope(k) then return k end
  end
  return chain[#chain]
end

-- "a, b and c"
function and_list(names)
  if #names == 0 then return "nothing" end
  if #names == 1 then return names[1] end
  local first = {}
  for i = 1, #names - 1 do first[i] = names[i] end
  return table.concat(first, ", ") .. " and " .. names[#names]
end

-- Whether something dated happened within the last n days; a date to come never did.
function within_days(day, n)
  return day ~= nil and day <= run_date and run_date - day <= n
end

-- "2026-11-24", or a word for what is missing.
function date_or(day, word)
  if day == nil then return word or "none" end
  return date(day)
end

function days_or(n, word)
  if n == nil then return word or "none" end
  return days(n)
end

WEAK_ALWAYS = {
  des = true, ["3des"] = true, rc4 = true, ["rsa-1024"] = true, ["hmac-sha-1"] = true,
}

-- X6: the mode of a managed volume is not visible to its tenant, so only the size counts.
AES_256_VOLUME = {
  ["aes-256"] = true, ["aes-256-xts"] = true, ["aes-256-gcm"] = true, ["sse-s3"] = true,
  ["sse-kms"] = true,
}

-- Fields must be authenticated: CBC lets an attacker change what he cannot read.
AEAD_FIELD = {
  ["aes-256-gcm"] = true, ["aes-256-siv"] = true, ["chacha20-poly1305"] = true,
}

SHORT_KEY = { ["aes-128"] = true, ["aes-192"] = true }

-- What is wrong with a volume's algorithm under a floor, or nil.
function volume_fault(algorithm, want)
  if WEAK_ALWAYS[algorithm] then return "is broken" end
  if want == "provider-default" or algorithm == want then return nil end
  if AES_256_VOLUME[algorithm] then return nil end
  return "is below the floor"
end

-- The fact of a disk walk, for stores whose folder was looked at.
function disk_verdict(s)
  local disk = seen(s, "host.disk")
  if disk.encrypted == "yes" or disk.encrypted == "ram" then return pass(3) end
  if disk.encrypted == "no" then
    return fail {
      field = "at_rest.volume", observed = "not encrypted", expected = "encrypted",
      message = s.name .. " lies on " .. tostring(disk.path) .. ", which is not encrypted" ..
        (disk.why and ": " .. disk.why or ""),
    }
  end
  return unknown(disk.why or "the disk walk could not tell")
end

-- Words that name a password whatever level somebody gave it.
local PASSWORD_WORDS = { "passw", "passphrase", "passcode", "pwd" }

local function named_password(d)
  for _, word in ipairs(PASSWORD_WORDS) do
    if str.find(str.lower(d.name), word) then return true end
  end
  return false
end

-- A credential without entropy_bits that is hashed is a password; so is one that is not hashed and
-- is critical or called one. One with entropy_bits is a token that a machine made. Secrets that
-- must be read back (an OAuth refresh token) are of kind `secret`, not `credential`.
function is_password(d)
  if not is_kind(d, "credential") then return false end
  local form = d.form
  if form == nil then return not d.synthetic and (is_critical(d) or named_password(d)) end
  return form.hashed ~= nil and form.entropy_bits == nil
end

-- Secrets in a secrets manager or vault are no exception: its volume is a volume like another. They
-- count as application-encrypted by that store's own `fields`, or by `form.client_side`.
function needs_field(d)
  if d.synthetic or has_safe_form(d) then return false end
  if is_kind(d, "pan") or is_kind(d, "sad") then return false end -- PAN-DISK-ONLY, SAD-STORED
  if is_password(d) then return false end -- HASH-PASSWORD
  -- X4: personal and health data need it at any level (MISTAKE-1); other data by its level.
  return is_kind(d, "pii") or is_kind(d, "phi") or floor(d.effective).field
end

function uncovered(s, data)
  local by, names, critical, health = covered_fields(s), {}, false, false
  for _, d in ipairs(data) do
    if by[d.name] == nil and needs_field(d) then
      table.insert(names, d.name)
      critical = critical or is_critical(d)
      health = health or is_kind(d, "phi")
    end
  end
  table.sort(names)
  if health and lists(plan.policy and plan.policy.add, "kind-floor") then critical = true end
  return names, critical
end

-- CLASS-3 and CLASS-4: the same rule, a step lower for data that matters less.
STEP_DOWN = {
  medium = { critical = "high", high = "medium", medium = "low" },
  low = { critical = "medium", high = "low", medium = "low" },
}
function by_level(severity, level)
  return STEP_DOWN[level] and STEP_DOWN[level][severity] or severity
end

-- What a flow's end names: looked up in services first, then in stores, as the format says.
function end_of(name)
  return get("services." .. name) or get("stores." .. name)
end

-- A public edge: someone else's program reaches one of our services.
function is_public(flow)
  local from, to = end_of(flow.from), end_of(flow.to)
  return from ~= nil and from.section == "services" and from.external == true
    and to ~= nil and is_own_service(to)
end

-- Why a rule about TLS does not apply to a flow, or nil. TRANSIT-PLAINTEXT owns what has none.
-- A flow that has both speaks TLS somewhere, and that is judged as any other.
function no_tls(flow)
  if flow.ssh and not flow.tls then return "ssh: see PATH-SSH" end
  if not flow.tls then return "no tls: see TRANSIT-PLAINTEXT" end
end

-- Keepers that are no key store at all. KEYSTORE-1 owns them; other rules say where to look.
UNSAFE_KEEPERS = { code = true, env = true, file = true }
function kept_in_the_open(k)
  if UNSAFE_KEEPERS[k.custody.provider] then return "kept in " .. k.custody.provider .. ": see KEYSTORE-1" end
end
