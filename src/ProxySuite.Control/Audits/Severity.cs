namespace ProxySuite.Control.Audits;

/// <summary>How bad a finding is; a higher value is worse.</summary>
public enum Severity
{
    Low,      // untidy; nobody gains anything by it
    Medium,   // a step towards a leak, a neighbour's disturbance, or a cost
    High,     // one more mistake, or a little knowledge, and it is a leak
    Critical, // one tenant reaches what is another's, or can
}
