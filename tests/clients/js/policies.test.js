import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ALICE, BRUNO, alice, anon, bruno, column, refusal, rows, service, staff } from './shop.js'

const ids = async (query) => column(await rows(query.order('id')), 'id')

test('a customer sees their own orders, staff and the service key see all', async () => {
  assert.deepEqual(await ids(alice.from('orders').select('id')), [1, 9, 17])
  assert.deepEqual(await ids(bruno.from('orders').select('id')), [2, 10, 18])
  assert.equal((await ids(staff.from('orders').select('id'))).length, 24)
  assert.equal((await ids(service.from('orders').select('id'))).length, 24)
  assert.deepEqual(await rows(alice.from('orders').select().eq('id', 2)), [])
  assert.equal((await alice.from('orders').select('*', { count: 'exact', head: true })).count, 3)
})

test('who is not signed in has no way to an order', async () => {
  const denied = await refusal(anon.from('orders').select())
  assert.deepEqual([denied.code, denied.status], ['42501', 401])
  assert.match(denied.message, /permission denied for table orders/)
  const embedded = await refusal(anon.from('albums').select('id, order_lines(quantity)').eq('id', 6))
  assert.deepEqual([embedded.code, embedded.status], ['PGRST200', 400])
  const misspelt = await refusal(anon.from('order').select())
  assert.doesNotMatch(`${misspelt.message} ${misspelt.details} ${misspelt.hint}`, /orders/)
})

test('an embed shows what its own table shows', async () => {
  const query = alice.from('albums').select('id, order_lines(order_id)').eq('id', 6)
  assert.deepEqual(await rows(query), [{ id: 6, order_lines: [{ order_id: 1 }] }])
  const first = await rows(alice.from('orders').select('id, customers!inner(name)').order('id').limit(1))
  assert.deepEqual(first, [{ id: 1, customers: { name: 'Alice Thornbury' } }])
  const friends = await rows(alice.from('customers').select('name, friends:customers!referred_by(name)'))
  assert.deepEqual(friends, [{ name: 'Alice Thornbury', friends: [] }])
})

test('an insert for somebody else is refused', async () => {
  const refused = await refusal(alice.from('orders').insert({ customer_id: BRUNO }))
  assert.deepEqual([refused.code, refused.status], ['42501', 403])
  assert.match(refused.message, /row-level security policy/)
  const nobody = await refusal(anon.from('orders').insert({ customer_id: ALICE }))
  assert.deepEqual([nobody.code, nobody.status], ['42501', 401])
  const mixed = [{ album_id: 15, signed: 'A', rating: 3 }, { album_id: 15, signed: 'B', rating: 3, user_id: BRUNO }]
  assert.equal((await refusal(alice.from('reviews').insert(mixed, { defaultToNull: false }))).code, '42501')
  assert.deepEqual(await rows(anon.from('reviews').select('id').eq('album_id', 15)), [])
})

test('an order from the first line to the last', async () => {
  const order = await rows(alice.from('orders').insert({ billing_address_id: 1, shipping_address_id: 1 }).select().single())
  assert.deepEqual([order.customer_id, order.status], [ALICE, 'pending'])
  await rows(alice.from('order_lines').insert({ order_id: order.id, album_id: 17, unit_price: 24 }))
  const cheaper = await refusal(alice.from('order_lines').insert({ order_id: order.id, album_id: 18, unit_price: 1 }))
  assert.equal(cheaper.code, '42501')
  assert.equal((await refusal(bruno.from('order_lines').insert({ order_id: order.id, album_id: 18, unit_price: 26 }))).code, '42501')
  assert.equal((await refusal(alice.from('orders').update({ status: 'paid' }).eq('id', order.id))).code, '42501')
  assert.equal((await rows(staff.from('orders').update({ status: 'paid' }).eq('id', order.id).select())).length, 1)
  assert.deepEqual(await rows(alice.from('orders').update({ note: 'Faster, please.' }).eq('id', order.id).select()), [])
  assert.deepEqual(await rows(alice.from('orders').delete().eq('id', order.id).select()), [])
  await rows(staff.from('orders').delete().eq('id', order.id))
  assert.deepEqual(await rows(service.from('order_lines').select().eq('order_id', order.id)), [])
})

test('an update or a delete touches visible rows only', async () => {
  assert.deepEqual(await rows(alice.from('orders').update({ note: 'mine now' }).eq('id', 2).select()), [])
  assert.deepEqual(await rows(alice.from('orders').delete().eq('id', 2).select()), [])
  assert.deepEqual(await rows(bruno.from('orders').select('note').eq('id', 2)), [{ note: null }])
  assert.equal((await refusal(alice.from('orders').update({ customer_id: BRUNO }).eq('id', 1))).code, '42501')
})

test('the catalogue is written by staff', async () => {
  assert.equal((await refusal(alice.from('genres').insert({ name: 'Mine' }))).code, '42501')
  assert.deepEqual(await rows(alice.from('genres').update({ name: 'Mine' }).eq('id', 1).select()), [])
  assert.deepEqual(await rows(staff.from('genres').update({ name: 'Ambient ' }).eq('id', 1).select()), [{ id: 1, name: 'Ambient ' }])
  assert.deepEqual(await rows(staff.from('genres').update({ name: 'Ambient' }).eq('id', 1).select()), [{ id: 1, name: 'Ambient' }])
})

test('reviews: their authors write them, staff take them down, and a restrictive policy binds staff too', async () => {
  assert.deepEqual(await rows(alice.from('reviews').update({ body: 'x' }).eq('id', 1).select()), [])
  const early = await refusal(staff.from('reviews').insert({ album_id: 24, signed: 'Staff', rating: 5 }))
  assert.equal(early.code, '42501')
  const hidden = await refusal(alice.from('reviews').insert({ album_id: 24, signed: 'Alice', rating: 5 }))
  assert.equal(hidden.code, '42501')
  const { id } = await rows(alice.from('reviews').insert({ album_id: 15, signed: 'Alice', rating: 5 }).select('id').single())
  assert.deepEqual(await rows(bruno.from('reviews').delete().eq('id', id).select()), [])
  assert.deepEqual(await rows(staff.from('reviews').delete().eq('id', id).select('id')), [{ id }])
})
