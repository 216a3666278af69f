// What a browser does: it keeps cookies of each origin, follows redirects, and sends the forms that people are shown.
import assert from 'node:assert/strict'

export class Browser {
  constructor() {
    this.cookies = new Map()
  }

  // One request. Cookies are kept by origin and path; a body is a form's fields.
  async ask(url, form) {
    const { origin, pathname } = new URL(url)
    const kept = [...(this.cookies.get(origin)?.values() ?? [])]
    const said = kept.filter((each) => pathname.startsWith(each.path)).map((each) => `${each.name}=${each.value}`)
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: said.length ? { cookie: said.join('; ') } : {},
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of answer.headers.getSetCookie()) this.keep(origin, cookie)
    return answer
  }

  keep(origin, cookie) {
    const [pair, ...attributes] = cookie.split(';').map((part) => part.trim())
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/'
    if (!this.cookies.has(origin)) this.cookies.set(origin, new Map())
    this.cookies.get(origin).set(`${name} ${path}`, { name, value, path })
  }

  // Follows redirects until an address begins with `end`, or a page is shown: { url, text }.
  async go(url, end, form) {
    for (let steps = 0; steps < 10; steps += 1) {
      if (url.startsWith(end)) return { url: new URL(url) }
      const answer = await this.ask(url, form)
      form = undefined
      const to = answer.headers.get('location')
      if (!to) {
        const text = await answer.text()
        assert.equal(answer.status, 200, text)
        return { url: new URL(url), text }
      }
      url = new URL(to, url).href
    }
    throw new Error('too many redirects')
  }
}

// What a page is told, in its query and its fragment.
export function told(url) {
  return Object.fromEntries([...url.searchParams, ...new URLSearchParams(url.hash.slice(1))])
}
