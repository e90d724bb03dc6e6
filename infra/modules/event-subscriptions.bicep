// One event subscription for each container that is served. Deployed after the code: Event Grid accepts only a
// function that is there.
param topicName string
param containers string[]

@allowed(['function', 'queue'])
param delivery string

@description('Resource id of the function on-blob-changed.')
param functionId string

@description('Resource id of the app\'s storage account.')
param dataStorageId string
param bufferQueue string
param deadLetterContainer string

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' existing = {
  name: topicName
}

var toFunction = {
  endpointType: 'AzureFunction'
  properties: {
    resourceId: functionId
    maxEventsPerBatch: 1
    preferredBatchSizeInKilobytes: 64
  }
}

var toQueue = {
  identity: {
    type: 'SystemAssigned'
  }
  destination: {
    endpointType: 'StorageQueue'
    properties: {
      resourceId: dataStorageId
      queueName: bufferQueue
      queueMessageTimeToLiveInSeconds: -1
    }
  }
}

resource subscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = [
  for container in containers: {
    parent: topic
    // $web gives a name that no other container can: their names have no capitals.
    name: '${take('purge-${replace(container, '$', 'SITE-')}', 50)}-${uniqueString(container)}'
    properties: {
      destination: delivery == 'function' ? toFunction : null
      deliveryWithResourceIdentity: delivery == 'queue' ? toQueue : null
      eventDeliverySchema: 'EventGridSchema'
      filter: {
        // Ends in /blobs/, or the filter for img would match the container img2 as well.
        subjectBeginsWith: '/blobServices/default/containers/${container}/blobs/'
        includedEventTypes: [
          'Microsoft.Storage.BlobCreated'
          'Microsoft.Storage.BlobDeleted'
          'Microsoft.Storage.BlobRenamed'
          'Microsoft.Storage.DirectoryRenamed'
          'Microsoft.Storage.DirectoryDeleted'
        ]
        // Empty blobs at the beginning of an upload: another event tells when the content is there.
        advancedFilters: [
          {
            operatorType: 'StringNotIn'
            key: 'data.api'
            values: ['CreateFile', 'SftpCreate']
          }
        ]
      }
      retryPolicy: {
        maxDeliveryAttempts: 30
        eventTimeToLiveInMinutes: 1440
      }
      deadLetterWithResourceIdentity: {
        identity: {
          type: 'SystemAssigned'
        }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: {
            resourceId: dataStorageId
            blobContainerName: deadLetterContainer
          }
        }
      }
    }
  }
]
