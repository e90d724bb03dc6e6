// The function app where there is no Flex Consumption: Premium on Linux, or Consumption on Windows. Both keep their
// files in Azure Files, which takes no identity: the key of the host storage account stands in one app setting.
param name string
param planName string
param location string
param tags object

@description('Resource id of the app\'s identity.')
param identityId string
param hostStorageName string

@allowed(['premium', 'windowsConsumption'])
param plan string
param nodeVersion string

@description('App settings by name.')
param settings object

var linux = plan == 'premium'

resource hostAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: hostStorageName
}

resource farm 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: planName
  location: location
  tags: tags
  kind: linux ? 'elastic' : 'functionapp'
  sku: {
    name: linux ? 'EP1' : 'Y1'
    tier: linux ? 'ElasticPremium' : 'Dynamic'
  }
  properties: {
    reserved: linux
  }
}

var files = 'DefaultEndpointsProtocol=https;AccountName=${hostAccount.name};AccountKey=${hostAccount.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}'

var runtimeSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'node'
  WEBSITE_RUN_FROM_PACKAGE: '1'
  WEBSITE_CONTENTAZUREFILECONNECTIONSTRING: files
  WEBSITE_CONTENTSHARE: toLower(name)
}

var nodeSettings = linux ? {} : { WEBSITE_NODE_DEFAULT_VERSION: '~${nodeVersion}' }

resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: name
  location: location
  tags: tags
  kind: linux ? 'functionapp,linux' : 'functionapp'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: farm.id
    reserved: linux
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      linuxFxVersion: linux ? 'NODE|${nodeVersion}' : null
      // There is no Node 24 of 32 bits for Windows.
      use32BitWorkerProcess: linux ? null : false
      appSettings: [
        for setting in items(union(runtimeSettings, nodeSettings, settings)): {
          name: setting.key
          value: setting.value
        }
      ]
    }
  }
}

resource publishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2023-12-01' = [
  for way in ['ftp', 'scm']: {
    parent: site
    name: way
    properties: {
      allow: false
    }
  }
]

output id string = site.id
output host string = site.properties.defaultHostName
