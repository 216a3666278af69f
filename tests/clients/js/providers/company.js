// A company's identity provider: samlify, which verifies what it is asked and signs what it answers; and encrypts it, if it is told to.
import { validate } from '@authenio/samlify-xmllint-wasm'
import samlify from 'samlify'

samlify.setSchemaValidator({ validate })
const { binding, format } = samlify.Constants.namespace
const ENTITY = 'https://idp.example/samlify'
const BASIC = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic'
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password'
const HOW = `<saml:AuthnContext><saml:AuthnContextClassRef>${PASSWORD}</saml:AuthnContextClassRef></saml:AuthnContext>`
const WHEN = `<saml:AuthnStatement AuthnInstant="{IssueInstant}">${HOW}</saml:AuthnStatement>`
const template = {
  context: samlify.SamlLib.defaultLoginResponseTemplate.context.replace('{AuthnStatement}', WHEN),
  attributes: [{ name: 'mail', nameFormat: BASIC, valueXsiType: 'xs:string', valueTag: 'mail' }],
}

// `ours` is our metadata; `pair` its key and certificate; `encryption` how it encrypts, if it does.
export function openCompany(ours, pair, encryption) {
  const sp = samlify.ServiceProvider({ metadata: ours, wantMessageSigned: encryption?.whole ?? false })
  const idp = samlify.IdentityProvider({
    entityID: ENTITY,
    privateKey: pair.key,
    signingCert: pair.certificate,
    requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    wantAuthnRequestsSigned: true,
    nameIDFormat: [format.persistent],
    singleSignOnService: [{ Binding: binding.redirect, Location: `${ENTITY}/sso` }],
    loginResponseTemplate: template,
    ...(encryption && { isAssertionEncrypted: true, dataEncryptionAlgorithm: encryption.way }),
  })

  // What it makes of a request; it rejects what is not signed, or not by us.
  function read(url) {
    const octetString = new URL(url).search.slice(1).split('&Signature=')[0]
    return idp.parseLoginRequest(sp, 'redirect', { query: Object.fromEntries(new URL(url).searchParams), octetString })
  }

  // The form with which somebody comes back.
  async function answer(url, name, email) {
    const request = await read(url)
    const fill = (context) => ({ id: '', context: filled(context, idp, sp, request, name, email) })
    const how = { customTagReplacement: fill, encryptThenSign: encryption?.whole }
    const made = await idp.createLoginResponse(sp, request, 'post', {}, how)
    return { SAMLResponse: made.context, RelayState: new URL(url).searchParams.get('RelayState') }
  }

  return { entity: ENTITY, metadata: idp.getMetadata(), read, answer }
}

function filled(context, idp, sp, request, name, email) {
  const place = sp.entityMeta.getAssertionConsumerService('post')
  const [now, later] = [0, 300_000].map((more) => new Date(Date.now() + more).toISOString())
  return samlify.SamlLib.replaceTagsByValue(context, {
    ID: `_${crypto.randomUUID()}`,
    AssertionID: `_${crypto.randomUUID()}`,
    Destination: place,
    Audience: sp.entityMeta.getEntityID(),
    SubjectRecipient: place,
    Issuer: idp.entityMeta.getEntityID(),
    IssueInstant: now,
    StatusCode: samlify.Constants.StatusCode.Success,
    ConditionsNotBefore: now,
    ConditionsNotOnOrAfter: later,
    SubjectConfirmationDataNotOnOrAfter: later,
    NameIDFormat: format.persistent,
    NameID: name,
    InResponseTo: request.extract.request.id,
    attrMail: email,
  })
}
