/** placeholder so that contracts compile */
export interface SshCertificate { x: 1 }
