// People who sign up, in and out: their clients, addresses, and what is sent to them.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const { SHOP_URL, SHOP_ANON_KEY } = process.env
export const PASSWORD = 'correct horse 1'
let numbers = 0

export function person(options = {}) {
  return createClient(SHOP_URL, SHOP_ANON_KEY, {
    auth: { autoRefreshToken: false, storage: memory(), persistSession: true, ...options },
    realtime: { transport: ws },
  })
}

// Where a client keeps its session: one place for each.
function memory() {
  const kept = new Map()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
}

export const address = () => `js-${Date.now()}-${(numbers += 1)}@example.com`

export async function ok(answer) {
  const { data, error } = await answer
  if (error) throw error
  return data
}

export async function refused(answer) {
  const { error } = await answer
  assert.ok(error, 'it was not refused')
  return error
}

let phones = 0

export const number = () => `4670${String(Date.now()).slice(-7)}${(phones += 1)}`

// The code in the newest text to a number.
export async function text(phone, kind = 'sms') {
  const answer = await fetch(`${SHOP_URL}/_inbox/messages?to=${phone}`)
  return /\d{6}/.exec((await answer.json()).find((each) => each.kind === kind).text)[0]
}

// The newest mail of a kind to an address: its code and its link. It may be on its way still.
export async function mail(email, kind) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${SHOP_URL}/_inbox/messages?to=${encodeURIComponent(email)}`)
    const found = (await answer.json()).find((each) => each.kind === kind)
    if (found) return { code: /Code: (\d+)/.exec(found.text)[1], link: /http\S+/.exec(found.text)?.[0] }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`no mail of the kind ${kind} to ${email}`)
}

export async function member(email = address()) {
  const client = person()
  await ok(client.auth.signUp({ email, password: PASSWORD }))
  const { code } = await mail(email, 'confirmation')
  const { user } = await ok(client.auth.verifyOtp({ type: 'email', email, token: code }))
  return { client, email, user }
}
