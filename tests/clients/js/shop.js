// The record shop's clients: whoever asks, through the unchanged supabase-js. Addresses, keys and tokens come from pytest.
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { SHOP_URL, SHOP_ANON_KEY, SHOP_SERVICE_KEY, SHOP_TOKENS } = process.env
const tokens = JSON.parse(SHOP_TOKENS)

function connect(key, token) {
  return createClient(SHOP_URL, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws }, // Node 20 has no WebSocket of its own
    ...(token && { accessToken: async () => token }),
  })
}

export const anon = connect(SHOP_ANON_KEY)
export const service = connect(SHOP_SERVICE_KEY)
export const alice = connect(SHOP_ANON_KEY, tokens.alice)
export const bruno = connect(SHOP_ANON_KEY, tokens.bruno)
export const staff = connect(SHOP_ANON_KEY, tokens.staff)

export const ALICE = 'a11ce000-0000-4000-8000-000000000001'
export const BRUNO = 'a11ce000-0000-4000-8000-000000000002'

// What a query answers, when it must not fail.
export async function rows(query) {
  const { data, error } = await query
  if (error) throw new Error(`${error.code}: ${error.message} (${error.details}; ${error.hint})`)
  return data
}

// The error of a query that must fail.
export async function refusal(query) {
  const { data, error, status } = await query
  if (!error) throw new Error(`not refused, answered ${status}: ${JSON.stringify(data)}`)
  return { ...error, status }
}

export const column = (list, name) => list.map((row) => row[name])
