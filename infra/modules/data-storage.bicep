// Storage of the app: the buffer and its poison queue, the records, dead letters, the configuration. No key opens it.
param name string
param location string
param tags object
param sku string

@description('For so many days the app keeps records; the lifecycle rule comes a month later and only catches what was left.')
param recordsDays int

var bufferName = 'purge-buffer'
var recordsName = 'purge-records'
var deadLetterName = 'dead-letters'
var configurationName = 'purge-config'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    isLocalUserEnabled: false
  }
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource buffer 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = {
  parent: queues
  name: bufferName
}

resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = {
  parent: queues
  name: '${bufferName}-poison'
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    // Off: the app writes its ledgers, backlog and open purges again and again, and each listing of a tick would have to
    // pass all that was deleted or written over: learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview
    deleteRetentionPolicy: {
      enabled: false
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [
  for container in [recordsName, deadLetterName, configurationName]: {
    parent: blobs
    name: container
    properties: {
      publicAccess: 'None'
    }
  }
]

// The app deletes its old records itself. Backlog, inventory and quota ledgers are no records: no rule touches them.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'old-records'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: [
                '${recordsName}/purges/'
                '${recordsName}/requests/'
                '${recordsName}/idempotency-keys/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: recordsDays + 30
                }
              }
            }
          }
        }
        {
          name: 'old-dead-letters'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${deadLetterName}/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: 180
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output bufferQueue string = buffer.name
output poisonQueue string = poison.name
output recordsContainer string = recordsName
output deadLetterContainer string = deadLetterName
output configurationContainer string = configurationName
