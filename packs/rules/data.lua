-- data.lua - rules that go by what the data is: passwords, tokens, card numbers, searchable fields,
-- tenants.

rule {
  id = "FIELD-LOOKUP",
  title = "Searchable field without a word on what it leaks",
  severity = "medium",
  source = { "MED-3", "STORE-2" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "A blind index shows which rows hold the same value, to whoever reads the index.",
  fix = "Write under leakage what the index shows and what limits it, or use lookup: none.",
  check = function(s)
    local looked_up = false
    for i, entry in ipairs(fields_of(s)) do
      if entry.lookup ~= nil and entry.lookup ~= "none" then
        looked_up = true
        if entry.leakage == nil then
          return fail {
            field = "at_rest.fields." .. tostring(i - 1) .. ".lookup", observed = entry.lookup,
            expected = "leakage: what it shows, and why that is accepted",
            message = and_list(entry.data) .. " in " .. s.name .. " can be looked up by " ..
              entry.lookup .. ", and what that leaks is not written down",
          }
        end
      end
    end
    if not looked_up then return na("no searchable field") end
    return pass()
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.search", expect = "n/a" },
    { on = "stores.search", expect = "fail",
      set = { ["stores.search.at_rest.fields"] = { { data = { "patient" }, algorithm = "aes-256-gcm", key = "record", lookup = "blind-index" } } } },
  },
}

SLOW_HASH = { argon2id = true, scrypt = true, bcrypt = true, pbkdf2 = true }
BROKEN_HASH = { md5 = true, ["sha-1"] = true }

rule {
  id = "HASH-PASSWORD",
  title = "Passwords are not kept as slow hashes",
  severity = "critical",
  source = { "INV-1" },
  subjects = { "data" },
  decided = { "plan" },
  why = "Graphics cards try billions of fast hashes a second; encrypted passwords fall with their key.",
  fix = "Keep only an argon2id, scrypt or bcrypt hash: form: { hashed: argon2id }.",
  check = function(d)
    if not is_password(d) then return na("not a password") end
    local hash = d.form and d.form.hashed or nil
    if hash and SLOW_HASH[hash] then return pass() end
    return fail {
      field = "form", observed = hash or "not hashed", expected = "argon2id, scrypt, bcrypt or pbkdf2",
      message = d.name .. (hash and " is hashed with " .. hash .. ", which is fast to guess" or
        " is not hashed"),
    }
  end,
  tests = {
    { on = "data.password", expect = "pass" },
    { on = "data.token", expect = "n/a" },
    { on = "data.account", expect = "n/a" },
    { on = "data.password", set = { ["data.password.form.hashed"] = "bcrypt" }, expect = "pass" },
    { on = "data.password", set = { ["data.password.form.hashed"] = "sha-256" }, expect = "fail" },
    { on = "data.password", set = { ["data.password.form.hashed"] = "md5" }, expect = "fail" },
    { on = "data.password", set = { ["data.password.form"] = "<absent>" }, expect = "fail" },
    -- A password stays one when somebody calls it less than critical; a session token is none.
    { on = "data.password", expect = "fail",
      set = { ["data.password.form"] = "<absent>", ["data.password.level"] = "high" } },
    { on = "data.token", set = { ["data.token.form"] = "<absent>" }, expect = "n/a" },
  },
}

TOKEN_ENTROPY_BITS = 128

-- There are fewer names, numbers and diagnoses than guesses, whatever entropy_bits says of them.
local function guessable(d)
  return is_kind(d, "pii") or is_kind(d, "phi") or is_kind(d, "pan")
end

rule {
  id = "HASH-TOKEN",
  title = "Fast hash over a value that can be guessed",
  severity = "high",
  source = { "INV-5" },
  subjects = { "data" },
  decided = { "plan" },
  why = "SHA-256 of a short value is undone by trying all of them.",
  fix = "Make tokens from at least 128 random bits and say so under entropy_bits, or use a slow hash.",
  check = function(d)
    local hash = d.form and d.form.hashed or nil
    if hash == nil then return na("not hashed") end
    if is_password(d) then return na("a password: see HASH-PASSWORD") end
    if BROKEN_HASH[hash] then
      return fail {
        field = "form.hashed", observed = hash, expected = "sha-256",
        message = d.name .. " is hashed with " .. hash .. ", which is broken",
      }
    end
    if SLOW_HASH[hash] then return pass() end
    if guessable(d) then
      return fail {
        field = "form.hashed", observed = hash, expected = "a slow hash, tokens, or fields",
        message = d.name .. " is hashed with " .. hash .. ", and all its values can be tried",
      }
    end
    local bits = d.form.entropy_bits or 0
    if bits >= TOKEN_ENTROPY_BITS then return pass() end
    return fail {
      field = "form.entropy_bits", observed = tostring(bits), expected = "128 or more",
      message = d.name .. " is hashed with " .. hash .. " over " .. tostring(bits) ..
        " bits of entropy",
    }
  end,
  tests = {
    { on = "data.token", expect = "pass" },
    { on = "data.password", expect = "n/a" },
    { on = "data.patient", expect = "n/a" },
    { on = "data.token", set = { ["data.token.form.entropy_bits"] = 127 }, expect = "fail" },
    { on = "data.token", set = { ["data.token.form.entropy_bits"] = 128 }, expect = "pass" },
    { on = "data.token", set = { ["data.token.form.hashed"] = "sha-1" }, expect = "fail" },
    { on = "data.account", expect = "fail",
      set = { ["data.account.form"] = { hashed = "sha-256" } } },
    { on = "data.account", expect = "fail",
      set = { ["data.account.form"] = { hashed = "sha-256", entropy_bits = 256 } } },
    { on = "data.account", set = { ["data.account.form"] = { hashed = "argon2id" } }, expect = "pass" },
  },
}

-- Data of a kind that a store holds, or that a flow brings to it without the plan saying it stays.
local function cards_at(s, kind)
  local out, known = {}, {}
  for _, d in ipairs(held(s)) do
    if is_kind(d, kind) then table.insert(out, d) known[d.name] = true end
  end
  for _, f in ipairs(s.in_flows) do
    if f.to == s.name then
      for _, d in ipairs(f.all_data) do
        if is_kind(d, kind) and not known[d.name] then table.insert(out, d) known[d.name] = true end
      end
    end
  end
  return out
end

-- A number that is replaced or locked before it reaches us is not a stored card number.
local function replaced(d)
  local form = d.form
  return form ~= nil and (form.tokenised ~= nil or form.client_side == true or form.hashed ~= nil)
end

local function card_na(s)
  if is_external_store(s) then return na("kept by a processor: see THIRD-PARTY-EVIDENCE") end
  if is_backup(s) and #held(s) == 0 then return na("a backup: its sources are judged") end
  return nil
end

-- The card data of a store that nothing replaces, split by whether a field entry covers it.
local function bare_cards(s)
  local by, covered, open = covered_fields(s), {}, {}
  for _, d in ipairs(cards_at(s, "pan")) do
    if not replaced(d) and not is_kind(d, "sad") and not d.synthetic then
      -- Delegated and yet here is a contradiction, not a field that lacks encryption.
      local delegated = d.form ~= nil and d.form.delegated ~= nil
      table.insert((by[d.name] or delegated) and covered or open, d.name)
    end
  end
  table.sort(covered)
  table.sort(open)
  return covered, open
end

rule {
  id = "PAN-STORED",
  title = "Card numbers are kept in our own store",
  severity = "critical",
  source = { "INV-2" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "A stored card number, even encrypted, brings the whole system into the scope of PCI DSS.",
  fix = "Leave card numbers to the processor (form.delegated) or keep tokens (form.tokenised).",
  check = function(s)
    local skip = card_na(s)
    if skip then return skip end
    local covered, open = bare_cards(s)
    if #open > 0 then return na("not encrypted as a field: see PAN-DISK-ONLY") end
    if #covered == 0 then return pass() end
    return fail {
      field = "holds", observed = and_list(covered), expected = "a token, or nothing",
      message = s.name .. " gets card numbers (" .. and_list(covered) .. ")",
    }
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.backups", expect = "n/a" },
    { on = "stores.db", expect = "fail",
      set = { ["stores.db.holds"] = { "patient", "account", "card" } } },
    { on = "stores.db", expect = "fail",
      set = { ["flows.api-db.carries"] = { "patient", "card" } } },
    { on = "stores.audit", expect = "pass",
      set = { ["stores.audit.holds"] = { "log", "card" }, ["data.card.form"] = { tokenised = "stripe" } } },
    { on = "stores.search", set = { ["data.patient.kinds"] = { "pan" } }, expect = "fail" },
  },
}

rule {
  id = "PAN-DISK-ONLY",
  title = "Card numbers are protected by disk encryption alone",
  severity = "critical",
  source = { "MISTAKE-1", "INV-2" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "PCI DSS 3.5.1.2: disk encryption does not make card numbers unreadable, other than on removable media.",
  fix = "Tokenise or delegate the card numbers, or at least encrypt them as fields.",
  check = function(s)
    local skip = card_na(s)
    if skip then return skip end
    local _, open = bare_cards(s)
    if #open == 0 then return pass() end
    return fail {
      field = "at_rest.fields", observed = "volume encryption only",
      expected = "tokens, or a fields entry for " .. and_list(open),
      message = s.name .. " gets card numbers (" .. and_list(open) .. ") under volume encryption only",
    }
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.audit", expect = "fail",
      set = { ["stores.audit.holds"] = { "log", "card" }, ["data.card.form"] = "<absent>" } },
    { on = "stores.audit", set = { ["data.log.kinds"] = { "log", "pan" } }, expect = "fail" },
    { on = "stores.search", set = { ["data.patient.kinds"] = { "pan" } }, expect = "pass" },
  },
}

rule {
  id = "SAD-STORED",
  title = "Card authentication data is stored",
  severity = "critical",
  source = { "INV-2" },
  subjects = { "stores" },
  decided = { "plan" },
  why = "PCI DSS 3.3.1: security codes, track data and PINs may not be kept after authorisation, encrypted or not.",
  fix = "Do not store it: pass it on and forget it.",
  check = function(s)
    local skip = card_na(s)
    if skip then return skip end
    local names = {}
    for _, d in ipairs(cards_at(s, "sad")) do
      if not d.synthetic then table.insert(names, d.name) end
    end
    if #names == 0 then return pass() end
    table.sort(names)
    return fail {
      field = "holds", observed = and_list(names), expected = "nothing",
      message = s.name .. " gets card authentication data (" .. and_list(names) .. ")",
    }
  end,
  tests = {
    { on = "stores.db", expect = "pass" },
    { on = "stores.stripe", expect = "n/a" },
    { on = "stores.audit", set = { ["data.log.kinds"] = { "log", "sad" } }, expect = "fail" },
    { on = "stores.db", expect = "fail",
      set = { ["data.card.kinds"] = { "sad" }, ["flows.api-db.carries"] = { "card" } } },
  },
}

local PER_TENANT = { tenant = true, customer = true }

-- How a key is used by the stores that name it: for fields, and for the volume of an object store
-- with critical data. Backups copy all tenants at once; what is inside stays under tenant keys.
local function tenant_uses(k)
  local field_of, objects_of
  for _, s in ipairs(k.protects) do
    if s.section == "stores" and not is_backup(s) then
      for _, entry in ipairs(fields_of(s)) do
        if entry.key == k.name then field_of = field_of or s.name end
      end
      if is_object_store(s) and is_critical(s) and volume_of(s).key == k.name then
        objects_of = objects_of or s.name
      end
    end
  end
  return field_of, objects_of
end

rule {
  id = "TENANT-SHARED-KEY",
  title = "Tenants share one key",
  severity = "critical",
  source = { "MED-1", "MED-2", "LESSON-3" },
  subjects = { "keys" },
  decided = { "plan" },
  why = "Under one key the wall between tenants is a WHERE clause.",
  fix = "Put a key with `per: tenant` (or customer) into the chain: root, tenant, record.",
  -- Judged on the key, not on each store that uses it: the chain is one defect.
  check = function(k)
    if plan.tenancy ~= "multi" then
      return na(plan.tenancy == "single" and "one tenant only" or "product.tenancy does not say multi")
    end
    local field_of, objects_of = tenant_uses(k)
    if field_of == nil and objects_of == nil then
      return na("encrypts neither fields nor objects with critical data")
    end
    -- The volume key of a bucket must itself be per customer; field keys by any key above them.
    for _, link in ipairs(objects_of and { k } or key_chain(k)) do
      if PER_TENANT[link.per] then return pass() end
    end
    return fail {
      field = "per", observed = k.per or "one for all", expected = "tenant or customer in its chain",
      message = k.name .. " encrypts " .. (field_of or objects_of) .. " for all tenants",
    }
  end,
  tests = {
    { on = "keys.record", expect = "pass" },
    { on = "keys.files", expect = "pass" },
    { on = "keys.volume", expect = "n/a" },
    { on = "keys.record", set = { ["product.tenancy"] = "single" }, expect = "n/a" },
    { on = "keys.record", set = { ["keys.tenant.per"] = "<absent>" }, expect = "fail" },
    { on = "keys.record", set = { ["keys.record.wrapped_by"] = "root" }, expect = "fail" },
    { on = "keys.files", set = { ["keys.files.per"] = "<absent>" }, expect = "fail" },
  },
}
