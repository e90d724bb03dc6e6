// Custom roles for Front Door, because every built-in role that may purge an endpoint may change its routes too.
targetScope = 'subscription'

@description('Behind the names of the roles: a name may be used once in a tenant.')
param nameSuffix string

@description('Subscriptions in which the roles may be assigned, as resource ids.')
param assignableScopes string[]

var purgeRoleName = 'Blob CDN Purge Operator${nameSuffix}'
var pollRoleName = 'Blob CDN Purge Result Reader${nameSuffix}'

resource purgeRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, purgeRoleName)
  properties: {
    roleName: purgeRoleName
    type: 'CustomRole'
    description: 'May purge the endpoints of an Azure Front Door profile, and nothing else.'
    assignableScopes: assignableScopes
    permissions: [
      {
        actions: [
          'Microsoft.Cdn/profiles/afdEndpoints/read'
          'Microsoft.Cdn/profiles/afdEndpoints/Purge/action'
        ]
        notActions: []
      }
    ]
  }
}

// Apart, as the results of purges stand under the resource group and not under the profile.
resource pollRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, pollRoleName)
  properties: {
    roleName: pollRoleName
    type: 'CustomRole'
    description: 'May read how purges of Azure Front Door ended.'
    assignableScopes: assignableScopes
    permissions: [
      {
        actions: [
          'Microsoft.Cdn/operationresults/read'
          'Microsoft.Cdn/operationresults/profileresults/afdendpointresults/read'
        ]
        notActions: []
      }
    ]
  }
}

output purgeRoleId string = purgeRole.id
output pollRoleId string = pollRole.id
