using ProxySuite.Tenancy.Model;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class BackendNamesTests
{
    private static readonly TenantId Id = new(Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e"));

    [Fact]
    public void Names_on_a_shard_come_from_the_id_alone()
    {
        Assert.Equal("t_0f8fad5bd9cb469fa16570867728950e", BackendNames.Role(Id, UserRole.App));
        Assert.Equal("t_0f8fad5bd9cb469fa16570867728950e_o", BackendNames.Role(Id, UserRole.Owner));
        Assert.Equal("t_0f8fad5bd9cb469fa16570867728950e_r", BackendNames.Role(Id, UserRole.Readonly));
        Assert.Equal("tenant_0f8fad5bd9cb469fa16570867728950e", BackendNames.Schema(Id));
        Assert.Equal("tenant_0f8fad5bd9cb469fa16570867728950e", BackendNames.Database(Id));
    }

    [Theory]
    [InlineData(IsolationModel.Pool, "public", "apps")]
    [InlineData(IsolationModel.Schema, "tenant_0f8fad5bd9cb469fa16570867728950e", "apps")]
    [InlineData(IsolationModel.Database, "public", "tenant_0f8fad5bd9cb469fa16570867728950e")]
    public void A_tenant_has_of_its_own_what_its_model_says(IsolationModel isolation, string schema, string database)
    {
        Assert.Equal(schema, BackendNames.SchemaFor(Id, isolation));
        Assert.Equal(database, BackendNames.DatabaseFor(Id, isolation, "apps"));
    }

    [Fact]
    public void An_id_is_read_in_both_of_its_forms()
    {
        Assert.True(TenantId.TryParse(Id.ToString(), out TenantId fromHyphens));
        Assert.True(TenantId.TryParse(Id.ToString("N"), out TenantId fromDigits));
        Assert.Equal((Id, Id), (fromHyphens, fromDigits));
        Assert.False(TenantId.TryParse("{0f8fad5b-d9cb-469f-a165-70867728950e}", out _));
        Assert.False(TenantId.TryParse(null, out _));
    }
}
