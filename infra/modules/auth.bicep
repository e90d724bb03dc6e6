// App Service Authentication with Entra ID. It lets anonymous calls through: Event Grid has no token, and the app itself
// asks its HTTP functions' callers for the role. What it does is to take forged principals out and put true ones in.
param siteName string

@description('Client id of the app registration whose tokens are taken.')
param clientId string

@description('Who issues them.')
param issuer string

resource site 'Microsoft.Web/sites@2023-12-01' existing = {
  name: siteName
}

resource settings 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: issuer
        }
        validation: {
          allowedAudiences: [clientId, 'api://${clientId}']
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}
