// API keys of the Azure China CDN: two slots of an id and a value, so that keys are changed without a gap.
param name string
param location string
param tags object

@description('Makes the secrets, switched off and without a key in them. A later deployment with this would put empty versions over the keys.')
param createSlots bool

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
  }
}

resource slots 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [
  for secret in ['cdn-key-first-id', 'cdn-key-first-value', 'cdn-key-second-id', 'cdn-key-second-value']: if (createSlots) {
    parent: vault
    name: secret
    properties: {
      value: 'no key yet'
      attributes: {
        enabled: false
      }
    }
  }
]

output name string = vault.name
output uri string = vault.properties.vaultUri
